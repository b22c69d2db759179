# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Making flows, freezing versions of them."""

from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from accounts.actor import Actor
from accounts.models import Project
from accounts.operations.audit import record_event
from accounts.operations.names import clean_name
from accounts.queries.access import insist
from accounts.roles import Permission
from accounts.tenancy import in_organization
from agents.engine.documents import check_flow, parse_flow
from agents.engine.errors import Problem
from agents.engine.graph import logic_hash
from agents.errors import FlowSlugTaken
from agents.models import Flow, FlowVersion
from agents.queries.flows import access_flow
from codexos.kernel.errors import NotAllowed
from codexos.kernel.jsontypes import JsonObject, JsonValue


@in_organization
def create_flow(actor: Actor, *, project: Project, document: JsonObject, is_team_template: bool = False) -> Flow:
    """Keep a flow document as a draft. Raises GraphInvalid, NameInvalid, FlowSlugTaken, NotAllowed."""
    insist(actor, Permission.MODIFY_TEAM_TEMPLATES if is_team_template else Permission.CREATE_AGENTS, project)
    graph = parse_flow(document)
    name = clean_name(str(document.get("name") or graph.name)[:200], place="document.name", at_most=200)
    slug = slugify(graph.name)[:100] or "flow"
    owner_id = None if is_team_template else actor.person_id
    try:
        with transaction.atomic():
            flow = Flow.objects.create(
                organization_id=actor.organization_id,
                project=project,
                owner_id=owner_id,
                slug=slug,
                name=name,
                draft=document,
            )
    except IntegrityError:
        raise FlowSlugTaken(f"Project {project.slug!r} has a flow {slug!r} already. Give this another id.") from None
    record_event(actor, "flow.created", about=flow)
    return flow


@in_organization
def publish_flow(actor: Actor, *, flow: str) -> FlowVersion:
    """Freeze the draft as the next version and make it the one that runs. Raises GraphInvalid, NotAllowed."""
    found = access_flow(actor, flow)
    _refuse_others_flow(actor, found)
    locked = Flow.objects.for_organization(actor.organization_id).select_for_update().get(pk=found.pk)
    graph = parse_flow(locked.draft)
    last = FlowVersion.objects.for_organization(actor.organization_id).filter(flow=locked).order_by("-number").first()
    version = FlowVersion.objects.create(
        organization_id=actor.organization_id,
        flow=locked,
        number=last.number + 1 if last else 1,
        document=locked.draft,
        logic_hash=logic_hash(graph),
        published_by_id=actor.person_id,
    )
    locked.published = version
    locked.save(update_fields=["published", "updated_at"])
    record_event(actor, "flow.published", about=locked, version=version.number)
    return version


def validate_flow(document: JsonValue) -> Sequence[Problem]:
    """List everything that is wrong with a flow document."""
    return check_flow(document)


def _refuse_others_flow(actor: Actor, flow: Flow) -> None:
    if flow.is_team_template:
        if not actor.may(Permission.MODIFY_TEAM_TEMPLATES, flow):
            raise NotAllowed(f"Flow {flow.slug!r} is a team template. Ask a lead of its team to publish it.")
    elif flow.owner_id != actor.person_id or not actor.may(Permission.CREATE_AGENTS, flow):
        raise NotAllowed(f"Flow {flow.slug!r} belongs to {flow.owner}. Ask them to publish it.")
