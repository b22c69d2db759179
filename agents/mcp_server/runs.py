# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What came of a run that was started before: for calls that ended before their run did."""

from collections.abc import Sequence

import mcp_types as types

from agents.mcp_server.calls import accompany
from agents.mcp_server.outcomes import output_schema
from agents.mcp_server.problems import failed
from agents.mcp_server.sending import Answer, Context, Sender, ask, sender_of
from agents.queries.runs import access_content
from codexos.kernel.errors import CodexosError

NAME = "run_result"


class RunShelf:
    """The one tool about runs."""

    async def list(self, sender: Sender) -> Sequence[types.Tool]:
        """Return it."""
        return [_TOOL]

    async def call(self, ctx: Context, params: types.CallToolRequestParams) -> Answer | None:
        """Go with a run to its end."""
        if params.name != NAME:
            return None
        sender = sender_of(ctx)
        try:
            run = await ask(sender, access_content, sender.actor, str((params.arguments or {}).get("run_id", "")))
        except CodexosError as error:
            return failed(error, sender)
        return await accompany(ctx, run.id, responses=params.input_responses, is_theirs=False)


_TOOL = types.Tool(
    name=NAME,
    title="What came of a run",
    description="Waits for the end of a run that was started before, and gives what it came to.",
    input_schema={
        "type": "object",
        "properties": {"run_id": {"type": "string", "description": "As the call that started the run said it."}},
        "required": ["run_id"],
        "additionalProperties": False,
    },
    output_schema=output_schema({}),
    annotations=types.ToolAnnotations(read_only_hint=True, idempotent_hint=True),
)
