# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a run takes over from the one it goes on from, read when it is taken up for the first time."""

from collections.abc import Sequence

from accounts.tenancy import tenant
from agents.adapters.claims import Claim
from agents.engine.journal import Entry
from agents.engine.journeys import Journey
from agents.engine.travel import keep
from agents.errors import ParentGone
from agents.models import Run
from agents.queries.travel import past_of
from agents.workers.loading import LoadedRun


def read_kept(loaded: LoadedRun, claim: Claim) -> Sequence[Entry]:
    """Return the entries that a run's journal begins with; none where it has begun, or goes on from no other.

    Raises ParentGone, JourneyImpossible, NothingToRetry.
    """
    if not claim.is_fresh or loaded.origin is None:
        return ()
    organization_id = claim.organization_id
    with tenant(organization_id):
        runs = Run.objects.for_organization(organization_id)
        parent = runs.filter(children=claim.run_id, content_expired_at=None).first()
        if parent is None:
            raise ParentGone
        past = past_of(parent)
    return keep(Journey.of(loaded.origin or {}), past, graph=loaded.graph, input=loaded.input)
