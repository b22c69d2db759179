# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The secrets that flows name: whom they may be handed on to, whether they are there, and what the vault is told."""

from collections.abc import Collection, Sequence

from accounts.actor import Actor
from accounts.models import Organization, Project
from accounts.queries.organizations import access_organization
from accounts.tenancy import in_organization
from agents.engine.errors import Problem
from agents.engine.handing import ANYBODY, TOOLS_ALONE, NamedSecret, named_secrets
from agents.engine.secrets import Recipient
from agents.models import Flow
from codexos.kernel.errors import NotAllowed
from codexos.kernel.jsontypes import JsonValue
from vault.operations.references import forget_references, note_references
from vault.queries.secrets import known_keys

_A_FLOW = "flow"


def recipients_in(organization: Organization) -> Collection[Recipient]:
    """Tell whom the flows of an organization may hand secrets on to."""
    return ANYBODY if organization.allows_secrets_in_prompts else TOOLS_ALONE


def recipients_for(actor: Actor) -> Collection[Recipient]:
    """Tell whom the flows that an actor writes may hand secrets on to."""
    return recipients_in(access_organization(actor))


def note_named_secrets(row: Flow) -> None:
    """Tell the vault which secrets a flow names, in its draft or in the version that runs; of one put away, none."""
    if row.is_archived:
        forget_references(row.organization_id, about_kind=_A_FLOW, about_id=row.id)
        return
    documents = [row.draft, *([row.published.document] if row.published else ())]
    keys = {named.key for document in documents for named in named_secrets(document)}
    note_references(row.project, about_kind=_A_FLOW, about_id=row.id, about_label=row.name, keys=keys)


@in_organization
def warn_of_unknown(actor: Actor, document: JsonValue, *, project: Project) -> Sequence[Problem]:
    """Warn of the secrets that a document names and that the actor's own runs would not find."""
    named = named_secrets(document)
    if not named:
        return ()
    try:
        known = known_keys(actor, {each.key for each in named}, project=project)
    except NotAllowed as error:
        return [Problem(named[0].place, f"Your own runs can use no secrets. {error.message}", "warning")]
    return [_unknown(each, project) for each in named if each.key not in known]


def _unknown(named: NamedSecret, project: Project) -> Problem:
    message = (
        f"There is no secret {named.key!r} that you may use in project {project.slug!r}. Put it, or check the key: "
        "your own runs fail here."
    )
    return Problem(named.place, message, "warning")
