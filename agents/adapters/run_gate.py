# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps the port Gate for one run: by its organization's policy as it was taken up, and as it is once people decide."""

from uuid import UUID

from accounts.tenancy import tenant
from agents.adapters.database_threads import DatabaseThreads
from agents.adapters.policies import Holding, gate_of
from agents.engine.gate import Decision, ProposedCall
from agents.engine.policies.facts import Caller
from agents.engine.policies.gates import PolicyGate
from agents.models import Policy


class RunGate:
    """The gate of one run. What its tools may reach stays as it was when the run was taken up."""

    def __init__(self, gate: PolicyGate, *, organization_id: UUID, in_thread: DatabaseThreads) -> None:
        self._gate = gate
        self._organization_id = organization_id
        self._in_thread = in_thread

    async def make_ready(self) -> None:
        """See the port."""
        await self._gate.make_ready()

    async def renew(self) -> None:
        """Go by the policy that holds now. Raises what a database does that is away: then the run is taken up anew."""
        self._gate = await self._in_thread(_newest, self._organization_id, self._gate.caller)
        await self._gate.make_ready()

    def decide(self, call: ProposedCall) -> Decision:
        """See the port."""
        return self._gate.decide(call)


def _newest(organization_id: UUID, caller: Caller) -> PolicyGate:
    with tenant(organization_id):
        rows = Policy.objects.for_organization(organization_id)
        version_id = rows.values_list("current_id", flat=True).first()
    return gate_of(Holding(organization_id, version_id), caller)
