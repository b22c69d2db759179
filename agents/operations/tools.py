# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Saying which tools flows may call: built in, of tool servers, and flows that agents are given as tools."""

from collections.abc import Collection, Iterator
from uuid import UUID

from accounts.actor import Actor
from accounts.models import Project
from accounts.tenancy import in_organization
from agents.adapters.shelves.finding import offers_of, shelved_names
from agents.adapters.toolbox import BUILT_IN_NAMES, BuiltInToolbox, Offer
from agents.adapters.tools.room import ToolRoom
from agents.engine.nodes.flow_tools import schema_of_flow
from agents.engine.tool_names import FLOW_PREFIX
from agents.engine.tools import ToolSpec
from agents.engine.wanted import wanted_tools
from agents.errors import ToolNotFound
from agents.models import Flow
from agents.queries.tool_servers import flows_serving
from codexos.kernel.jsontypes import JsonValue


@in_organization
def list_tools(actor: Actor, *, project: Project | None = None) -> list[Offer]:
    """Return the tools there are, by name: in a project, or, without one, those the whole organization has."""
    built_in = BuiltInToolbox(ToolRoom()).offers()
    shelved = offers_of(actor.organization_id, project.pk if project else None)
    return [*built_in, *shelved, *(_flow_offers(actor, project) if project else ())]


@in_organization
def access_offer(actor: Actor, name: str, *, project: Project | None) -> Offer:
    """Return one tool by its name. Raises ToolNotFound."""
    found = next((offer for offer in list_tools(actor, project=project) if offer.spec.name == name), None)
    if found is None:
        raise ToolNotFound(f"There is no tool {name[:100]!r} here. GET /api/v1/tools/ lists them.")
    return found


def known_tools(names: Collection[str] = (), *, organization_id: UUID, project_id: UUID | None) -> frozenset[str]:
    """Return the names a flow may say: of those it says, the ones there are, and all that are built in.

    A flow that says none but those costs no statement.
    """
    said = frozenset(names) - BUILT_IN_NAMES
    if not said:
        return BUILT_IN_NAMES
    slugs = {name.removeprefix(FLOW_PREFIX).partition("@")[0] for name in said if name.startswith(FLOW_PREFIX)}
    flows = flows_serving(organization_id, project_id, slugs=slugs) if slugs and project_id else ()
    there = shelved_names(said, organization_id=organization_id, project_id=project_id)
    return BUILT_IN_NAMES | there | {f"{FLOW_PREFIX}{flow.slug}" for flow in flows}


def known_tools_for(document: JsonValue, *, organization_id: UUID, project_id: UUID | None) -> frozenset[str]:
    """Return the names that a document may say, looked up where it says others than those built in."""
    return known_tools(wanted_tools(document), organization_id=organization_id, project_id=project_id)


def _flow_offers(actor: Actor, project: Project) -> Iterator[Offer]:
    for flow in flows_serving(actor.organization_id, project.pk):
        yield Offer(_flow_spec(flow), kind="flow")


def _flow_spec(flow: Flow) -> ToolSpec:
    schema = schema_of_flow(flow.published.document if flow.published else None)
    said = flow.published.document.get("description") if flow.published else ""
    description = said if isinstance(said, str) and said else f"Runs the flow {flow.name!r} and returns its result."
    return ToolSpec(f"{FLOW_PREFIX}{flow.slug}", description[:2_000], schema, capabilities=("read",))
