# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The four figures of the home page: what the actor's runs came to lately."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, F, Q, Sum

from accounts.actor import Actor
from accounts.tenancy import in_organization
from agents.models import RunStatus
from agents.queries.runs import visible_runs
from codexos.kernel import clock


@dataclass(frozen=True, slots=True)
class RunFigures:
    """Runs since midnight (UTC), finished and failed ones of seven days, tokens of thirty."""

    today: int
    finished: int
    failed: int
    tokens: int

    @property
    def success_percent(self) -> float | None:
        """How many of the finished runs did not fail; None where none has finished."""
        return 100 * (self.finished - self.failed) / self.finished if self.finished else None


@in_organization
def count_runs(actor: Actor) -> RunFigures:
    """Count the runs the actor may see, in one query."""
    now = clock.now()
    midnight, week = now.replace(hour=0, minute=0, second=0, microsecond=0), now - timedelta(days=7)
    ended = Q(status__in=(RunStatus.SUCCEEDED, RunStatus.FAILED), created_at__gte=week)
    found = (
        visible_runs(actor)
        .filter(created_at__gte=now - timedelta(days=30))
        .aggregate(
            today=Count("id", filter=Q(created_at__gte=midnight)),
            finished=Count("id", filter=ended),
            failed=Count("id", filter=ended & Q(status=RunStatus.FAILED)),
            tokens=Sum(F("input_tokens") + F("output_tokens"), default=0),
        )
    )
    return RunFigures(**found)
