# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Flows and knowledge bases offered as tools: what each is called; of a flow what it takes and gives as well."""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from accounts.actor import Actor
from accounts.roles import Permission
from accounts.tenancy import in_organization
from agents.engine.documents import read_accepted
from agents.engine.errors import GraphInvalid
from agents.engine.graph import FlowGraph
from agents.models import Flow, FlowVersion
from agents.queries.flows import visible_flows
from codexos.kernel.jsontypes import JsonObject, JsonValue
from rag.models import KnowledgeBase
from rag.queries.knowledge_bases import visible_bases

LONGEST_NAME = 64
MOST_OFFERED = 1000
INPUT = "input"
"""The one argument of a flow that takes something else than an object."""
_PREFIX = "flow__"
_KNOWLEDGE = "knowledge__"
_UNFIT = re.compile(r"[^a-zA-Z0-9_-]")
_WHOLE_JSON = re.compile(r"\{\{\s*([\w-]+)\.json\s*\}\}")


@dataclass(frozen=True, slots=True)
class Offer:
    """A published flow under the name by which it is called; ``version_id`` is what would run."""

    name: str
    flow_id: UUID
    project_id: UUID
    version_id: UUID
    title: str
    slug: str


@dataclass(frozen=True, slots=True)
class KnowledgeOffer:
    """A knowledge base under the name by which it is called."""

    name: str
    base_id: UUID
    title: str
    description: str


Named = TypeVar("Named", Offer, KnowledgeOffer)


@dataclass(frozen=True, slots=True)
class Particulars:
    """What a version takes and gives. Where ``is_wrapped`` the input is one argument, rather than all of them."""

    description: str
    input_schema: JsonObject
    output_schema: JsonValue
    is_wrapped: bool

    def input_of(self, arguments: Mapping[str, JsonValue]) -> JsonValue:
        """Return the input of a run from the arguments of a call."""
        return arguments.get(INPUT, "") if self.is_wrapped else dict(arguments)


@in_organization
def list_offers(actor: Actor) -> Sequence[Offer]:
    """Return the published flows that the actor may run, each under a name of its own, by name."""
    flows = visible_flows(actor).filter(archived_at=None).exclude(published=None).order_by("slug", "id")
    flows = flows.select_related(None).select_related("project").only(*_OFFERED)[:MOST_OFFERED]
    mine = [flow for flow in flows if actor.may(Permission.RUN_FLOWS, flow)]
    met = Counter(flow.slug for flow in mine)
    return [_offer(flow, is_alone=met[flow.slug] == 1) for flow in mine]


@in_organization
def describe_offers(actor: Actor, offers: Sequence[Offer]) -> Sequence[Particulars]:
    """Return what the offers, which the actor was given by list_offers, take and give."""
    # What is kept may be let go while the rest is read.
    known = {offer.version_id: kept for offer in offers if (kept := _described.get(offer.version_id)) is not None}
    wanted = [offer.version_id for offer in offers if offer.version_id not in known]
    rows = FlowVersion.objects.for_organization(actor.organization_id).filter(pk__in=wanted)
    fresh = {row.pk: particulars_of(row.document) for row in rows.only("id", "organization", "document")}
    _keep(fresh)
    found = known | fresh
    return [found[offer.version_id] for offer in offers]


@in_organization
def list_knowledge_offers(actor: Actor) -> Sequence[KnowledgeOffer]:
    """Return the knowledge bases that the actor sees, each under a name of its own."""
    bases = list(visible_bases(actor).order_by("slug", "pk")[:MOST_OFFERED])
    met = Counter(base.slug for base in bases)
    return [_knowledge(base, is_alone=met[base.slug] == 1) for base in bases]


def named(offers: Sequence[Named], name: str) -> Named | None:
    """Return the offer that is called so; the dot that people write is taken as well."""
    wanted = name.replace(".", "__")
    return next((offer for offer in offers if offer.name == wanted), None)


def particulars_of(document: JsonValue) -> Particulars:
    """Return what a flow takes and gives, as far as its document says so."""
    try:
        graph = read_accepted(document, library={})
    except GraphInvalid:
        return Particulars("", _wrapped({}), {}, is_wrapped=True)
    schema = graph.nodes[graph.entry].settings.get("schema")
    said = dict(schema) if isinstance(schema, Mapping) else {}
    is_object = said.get("type") == "object" or ("type" not in said and "properties" in said)
    return Particulars(
        description=_description(document),
        input_schema={**said, "type": "object"} if is_object else _wrapped(said),
        output_schema=_given(graph),
        is_wrapped=not is_object,
    )


def call_name(*parts: str, prefix: str = _PREFIX) -> str:
    """Return a name that providers of models take: letters, digits, ``_`` and ``-``, 64 at most."""
    name = _UNFIT.sub("_", prefix + "__".join(parts))
    if len(name) <= LONGEST_NAME:
        return name
    tail = hashlib.sha256("/".join(parts).encode()).hexdigest()[:8]
    return f"{name[: LONGEST_NAME - 9]}_{tail}"


_OFFERED = (
    *("id", "organization", "slug", "name", "archived_at", "published"),
    *("project__organization", "project__team", "project__slug"),
)
_MOST_KEPT = 2000
_described: dict[UUID, Particulars] = {}
"""By versions, which nobody can change."""


def _keep(fresh: Mapping[UUID, Particulars]) -> None:
    if len(_described) + len(fresh) > _MOST_KEPT:
        _described.clear()
    _described.update(fresh)


def _offer(flow: Flow, *, is_alone: bool) -> Offer:
    name = call_name(flow.slug) if is_alone else call_name(flow.project.slug, flow.slug)
    return Offer(name, flow.pk, flow.project_id, UUID(str(flow.published_id)), flow.name, flow.slug)


def _knowledge(base: KnowledgeBase, *, is_alone: bool) -> KnowledgeOffer:
    parts = [base.slug] if is_alone else [base.project.slug, base.slug]
    return KnowledgeOffer(call_name(*parts, prefix=_KNOWLEDGE), base.pk, base.name, base.description)


def _wrapped(schema: JsonObject) -> JsonObject:
    said = dict(schema) or {"type": "string", "description": "What the flow is given."}
    return {"type": "object", "properties": {INPUT: said}, "required": [INPUT], "additionalProperties": False}


def _description(document: JsonValue) -> str:
    metadata = document.get("metadata") if isinstance(document, Mapping) else None
    return str(metadata.get("description") or "") if isinstance(metadata, Mapping) else ""


def _given(graph: FlowGraph) -> JsonValue:
    """Return the schema of the output where the exit gives what a step with a schema made; else anything may come."""
    output = graph.nodes[graph.exit].settings.get("output")
    found = _WHOLE_JSON.fullmatch(output.strip()) if isinstance(output, str) else None
    node = graph.nodes.get(found.group(1)) if found else None
    schema = node.settings.get("output_schema") if node else None
    return dict(schema) if isinstance(schema, Mapping) else {}
