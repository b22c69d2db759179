# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who acts where nobody is signed in: whoever may run bin/manage, and the clock. The trail names them."""

from uuid import UUID

from accounts.actor import Actor, ActorKind
from accounts.roles import MATRIX, Role
from codexos.kernel.ids import OrganizationId, PersonId

NOBODY = PersonId(UUID(int=0))


def operator_of(organization_id: UUID, *, label: str = "bin/manage vault") -> Actor:
    """Return the actor for what the operator of the installation or the clock does to one organization."""
    return Actor(
        kind=ActorKind.SCHEDULE,
        person_id=NOBODY,
        organization_id=OrganizationId(organization_id),
        role=Role.ORG_ADMIN,
        label=label,
        grants={organization_id: MATRIX[Role.ORG_ADMIN]},
    )
