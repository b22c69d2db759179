# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What goes wrong, in the protocol's words: one table of kinds."""

import logging
from collections.abc import Mapping
from typing import Any

import mcp_types as types
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from accounts.rest import problem_of
from accounts.rest.problems import Problem
from agents.mcp_server.sending import Sender
from codexos.kernel import errors as kinds
from codexos.kernel.context import request_id

logger = logging.getLogger(__name__)

CODES: Mapping[type[kinds.CodexosError], int] = {
    kinds.InvalidInput: types.INVALID_PARAMS,
    kinds.NotFound: types.INVALID_PARAMS,
    kinds.NotSignedIn: types.INVALID_REQUEST,
    kinds.NotAllowed: types.INVALID_REQUEST,
    kinds.Conflict: types.INVALID_REQUEST,
    kinds.LimitReached: types.INVALID_REQUEST,
    kinds.Unavailable: types.INTERNAL_ERROR,
    kinds.Broken: types.INTERNAL_ERROR,
}
RESOURCE_NOT_FOUND = -32002
"""What sessions are told of a resource there is not; since 2026-07-28 it is a parameter that is wrong."""


def error_of(error: Exception, sender: Sender, *, version: str, **about: str) -> MCPError:
    """Return what an exception is to a client, and what it is ``about``. Our own mistakes it learns an id of only."""
    problem = problem_in(error, sender)
    code = next((code for kind, code in CODES.items() if isinstance(error, kind)), types.INTERNAL_ERROR)
    if isinstance(error, kinds.NotFound) and version not in MODERN_PROTOCOL_VERSIONS:
        code = RESOURCE_NOT_FOUND
    return MCPError(code, problem.detail, {**_data(problem), **about})


def failed(error: Exception, sender: Sender) -> types.CallToolResult:
    """Return what went wrong with a call as its result: models read that, and may call better."""
    problem = problem_in(error, sender)
    lines = [problem.detail, *(f"- {each['place']}: {each['message']}" for each in problem.extras.get("errors", ()))]
    return types.CallToolResult(content=[types.TextContent(text="\n".join(lines))], is_error=True)


def problem_in(error: Exception, sender: Sender) -> Problem:
    """Return an exception as the problem that the API would answer."""
    token = request_id.set(sender.request)
    try:
        problem = problem_of(error)
        if problem.status == 500:
            logger.error("a message of the Model Context Protocol broke (%s)", sender.request, exc_info=error)
    finally:
        request_id.reset(token)
    return problem


def invalid(message: str) -> MCPError:
    """Return the error of a message whose parameters are wrong."""
    return MCPError(types.INVALID_PARAMS, message)


def _data(problem: Problem) -> dict[str, Any]:
    more = {name: problem.extras[name] for name in ("errors", "retry_after_seconds") if name in problem.extras}
    return {"code": problem.code, "status": problem.status, **more}
