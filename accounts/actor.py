# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who asks: a frozen value of ids and preloaded grants. Asking it what it may do costs no query."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from accounts.roles import Permission, Role
from codexos.kernel.ids import OrganizationId, PersonId, ProjectId, TokenId


class ActorKind(StrEnum):
    """What stands behind a request."""

    PERSON = "person"
    TOKEN = "token"  # noqa: S105 - the word, not a secret
    RUN = "run"
    SCHEDULE = "schedule"


class Placed(Protocol):
    """Anything that stands in an organization and perhaps in a team of it."""

    @property
    def organization_id(self) -> UUID: ...


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, token, run or schedule asking on behalf of one organization.

    ``grants`` maps the id of a container (organization or team) to the permissions held there;
    ``limit`` is what a token lets through at most, None for no limit;
    ``project_id`` narrows a token to one project;
    ``by_narrow_token`` says of a run, which stands in a project anyway, that such a token started it.
    """

    kind: ActorKind
    person_id: PersonId
    organization_id: OrganizationId
    role: Role
    label: str
    grants: Mapping[UUID, frozenset[Permission]] = field(default_factory=dict)
    limit: frozenset[Permission] | None = None
    project_id: ProjectId | None = None
    token_id: TokenId | None = None
    break_glass_id: UUID | None = None
    by_narrow_token: bool = False

    @property
    def team_ids(self) -> frozenset[UUID]:
        """The teams this actor holds any permission in; every team for organization-wide roles is not listed."""
        return frozenset(self.grants) - {self.organization_id}

    @property
    def sees_every_team(self) -> bool:
        """Whether the actor's permissions reach the whole organization."""
        return Permission.SEE in self._held_in(self.organization_id)

    def may(self, permission: Permission, thing: Placed) -> bool:
        """Tell whether the actor holds ``permission`` where ``thing`` stands. Asks no database."""
        if thing.organization_id != self.organization_id or not self._is_let_through(permission):
            return False
        if self.project_id is not None and getattr(thing, "project_id", self.project_id) != self.project_id:
            return False
        if permission in self._held_in(self.organization_id):
            return True
        team_id = getattr(thing, "team_id", None)
        return team_id is not None and permission in self._held_in(team_id)

    def may_somewhere(self, permission: Permission) -> bool:
        """Tell whether the actor holds ``permission`` in any container; for menus and buttons, never as a check."""
        return self._is_let_through(permission) and any(permission in held for held in self.grants.values())

    def may_in_organization(self, permission: Permission) -> bool:
        """Tell whether the actor holds ``permission`` over the whole organization."""
        return self._is_let_through(permission) and permission in self._held_in(self.organization_id)

    def _held_in(self, container_id: UUID) -> frozenset[Permission]:
        return self.grants.get(container_id, frozenset())

    def _is_let_through(self, permission: Permission) -> bool:
        return self.limit is None or permission in self.limit
