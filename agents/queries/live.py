# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What those who follow runs read: the next page of a journal, and how far many runs have come."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from accounts.actor import Actor
from accounts.tenancy import in_organization, tenant
from agents.engine.journal import Entry
from agents.models import JournalEntry, Run
from agents.models.runs import UNFINISHED
from agents.queries.runs import access_run, entry_of

PAGE_ENTRIES = 500


def is_seq(text: str) -> bool:
    """Tell whether a text names a place in a journal: a whole number, 0 for its beginning."""
    return text.isascii() and text.isdigit() and len(text) < 10


class JournalPage(NamedTuple):
    """Entries in order. ``is_last``: there are no more for now. ``is_over``: there will be none either."""

    entries: Sequence[Entry]
    is_last: bool
    is_over: bool


class RunHead(NamedTuple):
    """How far a run has come."""

    last_seq: int
    is_finished: bool


@in_organization
def read_page(actor: Actor, run_id: UUID, *, after: int) -> JournalPage:
    """Return what the journal of a run has behind ``after``. Raises RunNotFound, NotAllowed."""
    # The run first: where it is finished, whoever has seen its last entry waits for nothing any more.
    is_finished = access_run(actor, run_id).is_finished
    rows = JournalEntry.objects.for_organization(actor.organization_id).filter(run_id=run_id, seq__gt=after)
    entries = [entry_of(row) for row in rows.order_by("seq")[:PAGE_ENTRIES]]
    is_last = len(entries) < PAGE_ENTRIES
    is_over = entries[-1].type == "run.finished" if entries else is_finished
    return JournalPage(entries, is_last, is_over)


def list_heads(runs: Iterable[tuple[UUID, UUID]]) -> Mapping[UUID, RunHead]:
    """Return how far runs, given by organization and id, have come: one question for each organization.

    It is asked for those who were let in to watch these runs; a run that is gone has no head.
    """
    wanted = defaultdict(list)
    for organization_id, run_id in runs:
        wanted[organization_id].append(run_id)
    heads: dict[UUID, RunHead] = {}
    for organization_id, run_ids in wanted.items():
        with tenant(organization_id):
            rows = Run.objects.for_organization(organization_id).filter(pk__in=run_ids)
            for run_id, last_seq, status in rows.values_list("id", "last_seq", "status"):
                heads[run_id] = RunHead(last_seq, status not in UNFINISHED)
    return heads
