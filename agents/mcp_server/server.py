# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the product says in the protocol: tools from its shelves, and the files of projects as resources."""

import base64
from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol, TypeVar

import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError

from agents.mcp_server.files import list_resources, read_resource, templates
from agents.mcp_server.flows import FlowShelf
from agents.mcp_server.knowledge import KnowledgeShelf
from agents.mcp_server.problems import error_of, invalid
from agents.mcp_server.runs import RunShelf
from agents.mcp_server.sending import Answer, Context, Sender, sender_of

TOOLS_PER_PAGE = 100
MOST_BYTES = 2 * 1024 * 1024
"""How large a message may be."""
MOST_SESSIONS = 5000
IDLE_SECONDS = 30 * 60.0
_INSTRUCTIONS = (
    "Each tool whose name begins with flow__ runs a published flow of CodexOS and gives what it came to. Where a run "
    "waits for a person's approval, the result says where to give it; call run_result with its run_id afterwards. "
    "Tools whose names begin with knowledge__ look for passages in a knowledge base, each with the place it stands at; "
    "quote them exactly and name the place. Files of the projects are resources."
)

P = TypeVar("P")
R = TypeVar("R")


class Shelf(Protocol):
    """Tools of one kind."""

    async def list(self, sender: Sender) -> Sequence[types.Tool]:
        """Return what the sender may call."""
        ...

    async def call(self, ctx: Context, params: types.CallToolRequestParams) -> Answer | None:
        """Do a call; None where the tool stands on another shelf."""
        ...


SHELVES: Sequence[Shelf] = (RunShelf(), FlowShelf(), KnowledgeShelf())


def product_manager() -> StreamableHTTPSessionManager:
    """Return what speaks the protocol for the product."""
    return manager_of(product_server())


def manager_of(server: Server[Any], **options: Any) -> StreamableHTTPSessionManager:
    """Return the manager of a server's sessions. Who may speak, and from where, was decided before: see door.py."""
    return StreamableHTTPSessionManager(
        server,
        security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        session_idle_timeout=IDLE_SECONDS,
        max_request_body_size=MOST_BYTES,
        max_sessions=MOST_SESSIONS,
        **options,
    )


def product_server() -> Server[Any]:
    """Return the product as a server of the protocol."""
    return Server(
        "codexos",
        version=_version(),
        title="CodexOS",
        instructions=_INSTRUCTIONS,
        on_list_tools=_told(_list_tools),
        on_call_tool=_told(_call_tool),
        on_list_resources=_told(_list_resources),
        on_list_resource_templates=_told(_list_templates),
        on_read_resource=_told(_read_resource),
    )


def _told(handle: Callable[[Context, P], Awaitable[R]]) -> Callable[[Context, P], Awaitable[R]]:
    """Have what goes wrong told by the table of problems, and nothing of our own mistakes."""

    @wraps(handle)
    async def telling(ctx: Context, params: P) -> R:
        try:
            return await handle(ctx, params)
        except MCPError:
            raise
        except Exception as error:
            about = {"uri": params.uri} if isinstance(params, types.ReadResourceRequestParams) else {}
            raise error_of(error, sender_of(ctx), version=ctx.protocol_version, **about) from error

    return telling


async def _list_tools(ctx: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
    sender = sender_of(ctx)
    tools = [tool for shelf in SHELVES for tool in await shelf.list(sender)]
    tools.sort(key=lambda tool: tool.name)
    after = _name_in(params.cursor) if params and params.cursor else ""
    left = [tool for tool in tools if tool.name > after]
    page = left[:TOOLS_PER_PAGE]
    return types.ListToolsResult(tools=page, next_cursor=_cursor(page[-1].name) if len(left) > len(page) else None)


async def _call_tool(ctx: Context, params: types.CallToolRequestParams) -> Answer:
    for shelf in SHELVES:
        answer = await shelf.call(ctx, params)
        if answer is not None:
            return answer
    raise invalid(f"No tool {params.name!r} that you may call. List the tools again.")


async def _list_resources(ctx: Context, params: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
    return await list_resources(sender_of(ctx), params.cursor if params else None)


async def _list_templates(
    _ctx: Context, _params: types.PaginatedRequestParams | None
) -> types.ListResourceTemplatesResult:
    return templates()


async def _read_resource(ctx: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
    return await read_resource(sender_of(ctx), params.uri)


def _cursor(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _name_in(cursor: str) -> str:
    try:
        return base64.urlsafe_b64decode(cursor.encode("ascii")).decode()
    except (ValueError, UnicodeError) as error:
        raise invalid("This cursor is none of ours. List the tools from the beginning.") from error


def _version() -> str:
    try:
        return version("codexos")
    except PackageNotFoundError:
        return "0.1.0"
