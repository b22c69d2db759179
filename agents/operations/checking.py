# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is wrong with a draft, and where in its text; and what may be written in one."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.actor import Actor
from accounts.models import Organization, Project
from accounts.tenancy import in_organization, tenant
from agents.adapters.toolbox import BUILT_IN_NAMES
from agents.engine.documents import check_flow, check_text, read_document
from agents.engine.drafts import Draft, DraftFormat, convert_source, draft_of, has_comments, read_draft
from agents.engine.errors import GraphInvalid, Problem
from agents.engine.nodes.every import EVERY_KIND
from agents.engine.registry import KINDS
from agents.models import Flow
from agents.operations.secrets import recipients_for, recipients_in, warn_of_unknown
from agents.operations.tools import known_tools_for, list_tools
from codexos.kernel.jsontypes import JsonObject, JsonValue
from llm.queries.models import list_models

_MEMBERS = {
    "id": "Its name in this flow, by which others refer to it.",
    "type": "What kind of node it is.",
    "next": "The node that follows: an id, a list of ids, or a map from outcomes to ids.",
    "label": "What people read on its box.",
    "description": "What people should know about it.",
}


class Converted(NamedTuple):
    """A text in its other format, and whether remarks were lost on the way."""

    source: str
    format: str
    lost_comments: bool


def read_sent(document: JsonObject | None, *, source: str | None, format: str | None) -> Draft:
    """Read a flow that was sent as an object or as text. Raises GraphInvalid where it cannot be kept."""
    wanted = DraftFormat(format) if format else None
    return draft_of(document or {}) if source is None else read_draft(source, format=wanted)


def convert_text(source: str, *, to: str) -> Converted:
    """Write what a text says in another format. Raises GraphInvalid."""
    return Converted(convert_source(source, to=DraftFormat(to)), to, lost_comments=has_comments(source))


@in_organization
def check_document(actor: Actor, document: JsonValue, *, project: Project | None) -> Sequence[Problem]:
    """List everything that is wrong with a flow document; without a project nothing is looked up."""
    project_id = project.pk if project else None
    tools = known_tools_for(document, organization_id=actor.organization_id, project_id=project_id)
    problems = check_flow(document, tools=tools, secrets_to=recipients_for(actor))
    return problems if project is None else [*problems, *warn_of_unknown(actor, document, project=project)]


def check_kept(flow: Flow) -> Sequence[Problem]:
    """List everything that is wrong with a flow's draft, which was fetched for whoever asks."""
    with tenant(flow.organization_id):
        organization = Organization.objects.get(pk=flow.organization_id)
    return check_source(organization, flow.as_written.source, format=flow.format, project_id=flow.project_id)


def check_source(
    organization: Organization, source: str, *, format: str | None = None, project_id: UUID | None = None
) -> Sequence[Problem]:
    """List everything that is wrong with a flow's text, each with its line and column."""
    check = partial(
        check_text,
        source,
        format=DraftFormat(format).value if format else None,
        secrets_to=recipients_in(organization),
    )
    problems = check(tools=BUILT_IN_NAMES)
    # Most flows name no other tools, and reading a long text once more takes its time.
    known = known_tools_for(_read(source), organization_id=organization.pk, project_id=project_id) if problems else None
    return check(tools=known) if known and known > BUILT_IN_NAMES else problems


def _read(source: str) -> JsonValue:
    try:
        return read_document(source)
    except GraphInvalid:
        return None


def is_sound(problems: Sequence[Problem]) -> bool:
    """Whether nothing among them keeps a flow from running."""
    return not any(problem.is_error for problem in problems)


def vocabulary(actor: Actor) -> JsonObject:
    """Say what may be written in a flow: members of a node, settings of each kind, tools, models."""
    every = {name: setting.doc for name, setting in EVERY_KIND.items()}
    return {
        "members": {**_MEMBERS, **every},
        "kinds": {
            name: {setting: shape.doc for setting, shape in kind.settings.items()} for name, kind in KINDS.items()
        },
        "tools": {offer.spec.name: offer.spec.description for offer in list_tools(actor)},
        "models": [model.name for model in list_models(actor)],
    }


def model_choices(actor: Actor, project: Project) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the models that a flow of a project may name, as groups of choices: routes, deployments, others."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for model in list_models(actor):
        if model.project_id not in (None, project.pk):
            continue
        who = model.provider or (_("no key yet: the built-in model answers") if model.substitute else _("no key yet"))
        groups.setdefault(model.kind, []).append((model.name, f"{model.name} ({who})"))
    words = {"route": _("Routes"), "deployment": _("Models of the organization"), "model": _("Models of this server")}
    return [(str(words[kind]), sorted(set(groups[kind]))) for kind in words if kind in groups]
