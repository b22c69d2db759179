# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Reading the policy of an organization: what holds, what is drafted, what held before."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from accounts.actor import Actor
from accounts.queries.access import insist_in_organization, insist_unnarrowed
from accounts.queries.pages import Page, page_of
from accounts.roles import Permission
from accounts.tenancy import in_organization
from agents.engine.policies.built_in import BUILT_IN
from agents.engine.policies.differences import DiffLine, diff_lines
from agents.engine.policies.document import PolicyDocument, as_data, document_hash
from agents.engine.policies.errors import PolicyVersionNotFound
from agents.engine.policies.gates import policy_hash
from agents.engine.policies.ready_made import ReadyMade, missing_from
from agents.engine.policies.texts import EMPTY, read_policy
from agents.models import Policy, PolicyVersion
from codexos.kernel.errors import CodexosError, NotAllowed
from codexos.kernel.jsontypes import JsonObject

MANAGE = Permission.MANAGE_ORGANIZATION


@dataclass(frozen=True, slots=True)
class PolicyState:
    """The policy of an organization as it is now; without a ``version`` the house's own rules hold alone."""

    organization_id: UUID
    row: Policy | None
    version: PolicyVersion | None
    document: PolicyDocument

    @property
    def source(self) -> str:
        """The text that holds, as it was written."""
        return self.version.source if self.version else EMPTY

    @property
    def draft(self) -> str:
        """The text that is worked on: what holds, where nobody has begun."""
        return self.row.draft if self.row and self.row.draft else self.source

    @property
    def has_draft(self) -> bool:
        """Whether something else is drafted than what holds."""
        return self.draft != self.source

    @property
    def revision(self) -> int:
        """How often the draft was changed."""
        return self.row.revision if self.row else 0

    @property
    def data(self) -> JsonObject:
        """What is said, as JSON."""
        return as_data(self.document)

    @property
    def built_in_data(self) -> JsonObject:
        """The house's own rules, as JSON."""
        return as_data(BUILT_IN)

    @property
    def sha256(self) -> str:
        """The hash of what is said, however it is written."""
        return document_hash(self.document)

    @property
    def policy(self) -> str:
        """The hash that stands with every decision: of this, and of the house's own rules."""
        return policy_hash(self.document)


@dataclass(frozen=True, slots=True)
class PolicyDraft:
    """The draft as far as it is a policy."""

    document: PolicyDocument

    @property
    def data(self) -> JsonObject:
        """What it says, as JSON."""
        return as_data(self.document)


def draft_of(state: PolicyState) -> PolicyDraft | None:
    """Return the draft; None where its text is no policy."""
    try:
        return PolicyDraft(read_policy(state.draft))
    except CodexosError:
        return None


def list_ready_made(draft: PolicyDraft) -> Sequence[ReadyMade]:
    """Return the rules that are ready to be taken and that the draft does not have."""
    return missing_from({rule.name: rule for rule in draft.document.rules})


def built_in_policy() -> PolicyDocument:
    """Return the rules of the house."""
    return BUILT_IN


def may_manage_policy(actor: Actor) -> bool:
    """Tell whether the policy is the actor's to change."""
    return actor.project_id is None and actor.may_in_organization(MANAGE)


@in_organization
def access_policy(actor: Actor, *, to: Permission = Permission.SEE) -> PolicyState:
    """Return the policy of the actor's organization, which all of its people see. Raises NotAllowed."""
    _insist(actor, to)
    rows = Policy.objects.for_organization(actor.organization_id).select_related("current__person", "drafted_by")
    row = rows.first()
    version = row.current if row else None
    return PolicyState(actor.organization_id, row, version, document_of(version))


@in_organization
def list_policy_versions(actor: Actor, *, cursor: str | None = None, limit: int = 50) -> Page[PolicyVersion]:
    """Return a page of the states that were switched on, newest first. Raises NotAllowed."""
    _insist(actor, Permission.SEE)
    rows = PolicyVersion.objects.for_organization(actor.organization_id).select_related("person")
    return page_of(rows, cursor=cursor, limit=limit)


@in_organization
def access_policy_version(actor: Actor, number: str | int) -> PolicyVersion:
    """Return one of them. Raises PolicyVersionNotFound, NotAllowed."""
    _insist(actor, Permission.SEE)
    wanted = int(number) if str(number).isascii() and str(number).isdigit() and len(str(number)) < 9 else -1
    rows = PolicyVersion.objects.for_organization(actor.organization_id).select_related("person")
    row = rows.filter(number=wanted).first()
    if row is None:
        raise PolicyVersionNotFound(f"The policy has no version {str(number)[:20]!r}. List its versions.")
    return row


def diff_policy(actor: Actor, number: str | int, *, other: str = "") -> list[DiffLine]:
    """Return what a version says otherwise than the one before it, than another, or than the draft.

    Raises PolicyVersionNotFound, NotAllowed.
    """
    after = access_policy_version(actor, number)
    if other == "draft":
        return diff_lines(after.source, access_policy(actor, to=MANAGE).draft)
    if not other and after.number == 1:
        return diff_lines(EMPTY, after.source)
    return diff_lines(access_policy_version(actor, other or after.number - 1).source, after.source)


def document_of(version: PolicyVersion | None) -> PolicyDocument:
    """Return what a version says; one that is not understood any more denies everything, as its gate does."""
    if version is None:
        return PolicyDocument()
    try:
        return read_policy(version.source)
    except CodexosError:
        return PolicyDocument(otherwise="deny")


def _insist(actor: Actor, permission: Permission) -> None:
    if permission is not Permission.SEE:
        insist_in_organization(actor, permission)
        return
    insist_unnarrowed(actor)
    if not actor.may_somewhere(permission):
        raise NotAllowed("The policy is for the people of the organization to see.")
