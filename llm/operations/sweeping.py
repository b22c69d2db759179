# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Making good what processes that died, or calls that came late, left behind."""

import logging
from datetime import timedelta
from uuid import UUID

from codexos.kernel import clock
from llm.operations.caching import drop_expired
from llm.operations.calls import count_late_calls
from llm.operations.spending import settle_lost
from llm.queries.costs import list_organizations_with_costs_due

MOST_A_TICK = 500
LATE_AFTER = timedelta(minutes=10)
"""How long a call is left to be counted with its run."""

_log = logging.getLogger(__name__)


def sweep_costs() -> int:
    """Settle lost calls, count late ones and drop expired answers of every organization; return with how many."""
    swept = 0
    for organization_id in list_organizations_with_costs_due(clock.now(), most=MOST_A_TICK):
        try:
            swept += _sweep(organization_id)
        except Exception:
            # One that breaks is told in the log and looked at again with the next tick: it holds up no other.
            _log.exception("The costs of organization %s could not be swept; it is tried again.", organization_id)
    return swept


def _sweep(organization_id: UUID) -> int:
    lost = settle_lost(organization_id)
    late = count_late_calls(organization_id, before=clock.now() - LATE_AFTER)
    return lost + late + drop_expired(organization_id)
