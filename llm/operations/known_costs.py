# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What bounds and prices the calls of organizations, known in this process for a moment: most calls cost no query."""

import time
from typing import NamedTuple
from uuid import UUID

from django.db import InterfaceError, OperationalError

from llm.errors import CostsUnreadable
from llm.operations.gathering import Gathered
from llm.operations.threads import InThread
from llm.queries.costs import Costs, load_costs

FRESH_SECONDS = 2.0
"""How long a new budget may take to be heeded everywhere. An edit of one that is known is heeded at once."""
MOST_KNOWN = 2_000


class _Known(NamedTuple):
    costs: Costs
    at: float


class KnownCosts:
    """The costs of the organizations that asked last."""

    def __init__(self) -> None:
        self._known: dict[UUID, _Known] = {}
        self._loading: Gathered[UUID, Costs] = Gathered()

    async def of(self, organization_id: UUID, *, in_thread: InThread) -> Costs:
        """Return what was so a moment ago at most. Raises CostsUnreadable."""
        known = self._known.get(organization_id)
        if known is not None and time.monotonic() - known.at < FRESH_SECONDS:
            return known.costs
        try:
            return await self._loading.ask(organization_id, lambda: in_thread(self._load, organization_id))
        except (OperationalError, InterfaceError):
            raise CostsUnreadable from None

    def forget(self, organization_id: UUID) -> None:
        """Read them anew next time: they were changed by this very process."""
        self._known.pop(organization_id, None)

    def _load(self, organization_id: UUID) -> Costs:
        at = time.monotonic()
        costs = load_costs(organization_id)
        self._known[organization_id] = _Known(costs, at)
        while len(self._known) > MOST_KNOWN:
            self._known.pop(next(iter(self._known)), None)
        return costs


known_costs = KnownCosts()
"""Those of this process."""
