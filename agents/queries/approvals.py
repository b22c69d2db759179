# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What waits for people: the questions that runs ask, and whose they are to answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from accounts.actor import Actor
from accounts.queries.pages import Page, page_of
from accounts.tenancy import OrganizationQuerySet, in_organization
from agents.engine.errors import GraphInvalid
from agents.models import JournalEntry, Run
from agents.models.runs import UNFINISHED
from agents.queries.inputs import as_typed
from agents.queries.interventions import list_asked, may_decide
from agents.queries.progress import folded
from agents.queries.runs import visible_runs
from agents.queries.timeline import WaitingView, list_waiting_steps
from codexos.kernel.jsontypes import JsonValue

LONGEST_LINE = 160
MOST_MEMBERS = 8
MOST_COUNTED = 20
"""How many runs are looked into where only a number is shown."""


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """A question that a run asks: ``may_decide`` says whether the one who looks is to answer it."""

    run: Run
    wait: WaitingView
    may_decide: bool

    @property
    def summary(self) -> str:
        """What people see to decide by, in a line."""
        return in_a_line(self.wait.show)


def in_a_line(value: JsonValue) -> str:
    """Say a value in a line: of a text its first words, of an object its members."""
    match value:
        case None:
            return ""
        case str():
            said = value
        case Mapping():
            said = ", ".join(f"{name}: {as_typed(part)}" for name, part in list(value.items())[:MOST_MEMBERS])
        case _:
            said = as_typed(value)
    said = " ".join(said[: LONGEST_LINE * 4].split())
    return said if len(said) <= LONGEST_LINE else f"{said[: LONGEST_LINE - 1]}…"


@in_organization
def list_approvals(
    actor: Actor, *, mine_only: bool = True, cursor: str | None = None, limit: int = 50
) -> Page[ApprovalView]:
    """Return the questions of runs that the actor may answer, or of all the actor sees; runs that began first first.

    A page holds those of up to ``limit`` runs: none where what they ask is for others.
    """
    page = page_of(_asking_runs(actor), cursor=cursor, limit=limit, oldest_first=True)
    found = [each for run in page.rows for each in _questions_of(actor, run) if each.may_decide or not mine_only]
    return Page(found, page.next_cursor, page.previous_cursor)


@in_organization
def count_approvals(actor: Actor) -> int:
    """Return how many questions the actor may answer, among the runs that have asked longest."""
    runs = _asking_runs(actor).order_by("pk")[:MOST_COUNTED]
    return sum(each.may_decide for run in runs for each in _questions_of(actor, run))


def _asking_runs(actor: Actor) -> OrganizationQuerySet[Run]:
    """Return the query for the runs that may have a question: those under way that said once that they wait."""
    told = JournalEntry.objects.for_organization(actor.organization_id).filter(
        run_id=OuterRef("pk"), content_days=OuterRef("content_days"), type="run.waiting"
    )
    asking = visible_runs(actor).filter(Exists(told), status__in=UNFINISHED)
    # Most pages only count: what is large is read of those alone that are looked into.
    return asking.defer("document", "input", "context", "library", "version__document", "version__source", *_DRAFT)


_DRAFT = ("flow__draft", "flow__source")


def _questions_of(actor: Actor, run: Run) -> Sequence[ApprovalView]:
    try:
        with folded(actor, run) as progress:
            if not progress.waiting:
                return []
            waits = list_waiting_steps(progress, list_asked(actor, run.id))
    except GraphInvalid:
        # One that cannot be read is told of on its own page.
        return []
    return [
        ApprovalView(run, wait, may_decide(actor, run, wait.told))
        for wait in waits
        if wait.is_question and wait.decided is None
    ]
