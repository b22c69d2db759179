# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Figures: what the actor's runs came to lately, and how the last runs of each flow went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, F, OuterRef, Q, Sum

from accounts.actor import Actor
from accounts.tenancy import in_organization
from agents.models import Flow, RunStatus
from agents.queries.runs import visible_runs
from codexos.kernel import clock

LAST_RUNS = 14


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


@in_organization
def last_results(actor: Actor, flow_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[str]]:
    """Return how the last runs of each flow's versions went, the newest last, in one query."""
    last = (
        visible_runs(actor)
        .filter(flow_id=OuterRef("pk"), version__isnull=False)
        .order_by("-id")
        .values("status")[:LAST_RUNS]
    )
    flows = Flow.objects.for_organization(actor.organization_id).filter(pk__in=flow_ids)
    told = flows.annotate(results=ArraySubquery(last)).values_list("pk", "results")
    return {flow_id: results[::-1] for flow_id, results in told}
