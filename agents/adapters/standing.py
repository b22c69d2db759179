# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""For whom a run acts, and what they may do at the moment it is asked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from accounts.actor import Actor, ActorKind
from accounts.models import Person
from accounts.queries.grants import load_actor
from accounts.roles import Permission
from codexos.kernel.ids import ProjectId


@dataclass(frozen=True, slots=True)
class Standing:
    """The person of a run, its project, and the limit of the token that started it."""

    organization_id: UUID
    person_id: UUID
    project_id: UUID
    limit: Sequence[str] | None = None
    name: str = "Whoever started it"

    def load_actor(self) -> Actor | None:
        """Return who the run acts as now, by a database's thread; None where its person may no longer."""
        actor = load_actor(Person(pk=self.person_id), organization_id=self.organization_id)
        if actor is None:
            return None
        # What the token that started it could not do, its run cannot do either; and no run reaches beyond its project.
        limit = None if self.limit is None else frozenset(map(Permission, self.limit))
        return replace(actor, kind=ActorKind.RUN, project_id=ProjectId(self.project_id), limit=limit)
