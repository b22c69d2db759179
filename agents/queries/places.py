# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Why a run that was accepted does not begin: its organization's places, and the line it stands in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from accounts.actor import Actor
from accounts.queries.organizations import access_organization
from accounts.tenancy import in_organization
from agents.models import UNFINISHED, Run, RunStatus


@dataclass(frozen=True, slots=True)
class Wait:
    """What a queued run waits for. ``reason``: line, place or worker; ``run_id`` is the run it stands behind."""

    reason: str
    run_id: UUID | None = None
    under_way: int = 0

    @property
    def message(self) -> str:
        """Say it to programs and people who read English."""
        if self.reason == "line":
            return f"waits for run {self.run_id} to end: its flow is run one at a time"
        if self.reason == "place":
            return f"waits for a place: {self.under_way} of your organization's runs are under way"
        return "waits for a worker"


@in_organization
def count_queued(actor: Actor, *, most: int) -> int:
    """Count the runs of the actor's organization that nobody has begun, up to ``most``."""
    runs = Run.objects.for_organization(actor.organization_id).filter(status=RunStatus.QUEUED)
    return runs.values("id")[:most].count()


@in_organization
def list_waits(actor: Actor, runs: Sequence[Run]) -> Mapping[UUID, Wait]:
    """Return what each of these runs waits for, by its id; those that are not queued are left out."""
    queued = [run for run in runs if run.status == RunStatus.QUEUED]
    if not queued:
        return {}
    heads, place = _heads(actor, [run for run in queued if run.is_held_back]), _place(actor)
    return {run.id: _behind(run, heads) if run.is_held_back else place for run in queued}


def _behind(run: Run, heads: Mapping[str, UUID]) -> Wait:
    head = heads.get(run.line)
    if head is None or head == run.id:
        return Wait("worker")
    return Wait("line", head)


def _heads(actor: Actor, runs: Sequence[Run]) -> Mapping[str, UUID]:
    """Return the run that each line waits for."""
    if not runs:
        return {}
    mine = Run.objects.for_organization(actor.organization_id).exclude(line="")
    found = mine.filter(line__in={run.line for run in runs}, status__in=UNFINISHED).order_by("line", "place")
    return dict(found.distinct("line").values_list("line", "id"))


def _place(actor: Actor) -> Wait:
    own, ceiling = access_organization(actor).most_runs, settings.RUNS_PER_ORGANIZATION
    most = ceiling if own is None else min(own, ceiling)
    under_way = Run.objects.for_organization(actor.organization_id).filter(status=RunStatus.RUNNING).count()
    if under_way < most:
        return Wait("worker")
    return Wait("place", under_way=under_way)
