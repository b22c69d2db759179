# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Published flows as tools: a call of one starts a run and goes with it to its end."""

from collections.abc import Sequence
from uuid import UUID

import mcp_types as types

from agents.mcp_server.calls import accompany
from agents.mcp_server.outcomes import output_schema
from agents.mcp_server.problems import failed, invalid
from agents.mcp_server.sending import Answer, Context, Sender, ask, sender_of
from agents.operations.runs import RunRequest, start_run
from agents.queries.offers import Offer, Particulars, describe_offers, list_offers, named
from agents.queries.runs import access_run
from codexos.kernel.errors import CodexosError, InvalidInput, NotFound
from codexos.kernel.schemas import misfits

MOST_MISFITS = 20


class FlowShelf:
    """The flows that the sender may run."""

    async def list(self, sender: Sender) -> Sequence[types.Tool]:
        """Return a tool for each."""
        return await ask(sender, _tools, sender)

    async def call(self, ctx: Context, params: types.CallToolRequestParams) -> Answer | None:
        """Start a run, or go on with the one that the client was asked something about."""
        sender = sender_of(ctx)
        found = await ask(sender, _find, sender, params.name)
        if found is None:
            return None
        if params.request_state is not None:
            run_id = await ask(sender, _run_asked_about, sender, found[0], params.request_state)
            return await accompany(ctx, run_id, responses=params.input_responses)
        try:
            run_id = await ask(sender, _start, sender, found, arguments=params.arguments or {})
        except CodexosError as error:
            return failed(error, sender)
        return await accompany(ctx, run_id)


def _tools(sender: Sender) -> list[types.Tool]:
    offers = list_offers(sender.actor)
    described = describe_offers(sender.actor, offers)
    return [_tool(offer, particulars) for offer, particulars in zip(offers, described, strict=True)]


def _tool(offer: Offer, particulars: Particulars) -> types.Tool:
    return types.Tool(
        name=offer.name,
        title=offer.title,
        description=particulars.description or f"Runs the flow {offer.title!r}.",
        input_schema=dict(particulars.input_schema),
        output_schema=output_schema(particulars.output_schema),
        annotations=types.ToolAnnotations(title=offer.title),
    )


def _find(sender: Sender, name: str) -> tuple[Offer, Particulars] | None:
    offer = named(list_offers(sender.actor), name)
    return None if offer is None else (offer, describe_offers(sender.actor, [offer])[0])


def _start(sender: Sender, found: tuple[Offer, Particulars], *, arguments: dict[str, object]) -> UUID:
    offer, particulars = found
    if wrong := misfits(arguments, particulars.input_schema, most=MOST_MISFITS):  # type: ignore[arg-type]
        errors = [{"place": ".".join(map(str, each.place)) or "arguments", "message": each.message} for each in wrong]
        raise InvalidInput("The arguments do not fit what this flow takes. Correct them and call again.", errors=errors)
    asked = RunRequest(
        agent_id=str(offer.flow_id),
        input=particulars.input_of(arguments),  # type: ignore[arg-type]
        project=str(offer.project_id),
    )
    return start_run(sender.actor, request=asked).id


def _run_asked_about(sender: Sender, offer: Offer, state: str) -> UUID:
    """Return the run that a client goes on with: one of this flow that its person started."""
    try:
        run = access_run(sender.actor, state)
    except NotFound as error:
        raise invalid("This state is none of ours. Call the tool anew.") from error
    if run.flow_id != offer.flow_id or run.person_id != sender.actor.person_id:
        raise invalid("This state is none of ours. Call the tool anew.")
    return run.id
