# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Where a run comes from and which ones go on from it."""

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.actor import Actor
from accounts.tenancy import in_organization
from agents.engine.travel import Past
from agents.models import JournalEntry, Run
from agents.queries.runs import entry_of, graph_of, visible_runs

MOST_CHILDREN_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Kinship:
    """The run that one goes on from, how, and the newest of those that go on from it."""

    parent: Run | None
    kind: str
    start: str
    children: Sequence[Run]


def past_of(run: Run) -> Past:
    """Read a run that has ended as its journal has it; inside its organization."""
    rows = JournalEntry.objects.for_organization(run.organization_id).filter(run_id=run.id).order_by("seq")
    return Past(graph_of(run), run.input, [entry_of(row) for row in rows.iterator(chunk_size=500)])


@in_organization
def count_children(actor: Actor, run: Run) -> int:
    """Return how many runs go on from one."""
    return visible_runs(actor).filter(parent_id=run.id).count()


@in_organization
def access_kinship(actor: Actor, run: Run) -> Kinship:
    """Return where a run comes from and what goes on from it, as far as the actor sees these."""
    runs = visible_runs(actor)
    origin = run.origin or {}
    return Kinship(
        parent=runs.filter(pk=run.parent_id).first() if run.parent_id else None,
        kind=str(origin.get("kind") or ""),
        start=str(origin.get("from") or ""),
        children=list(runs.filter(parent_id=run.id).order_by("-id")[:MOST_CHILDREN_SHOWN]),
    )
