# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What waits for people: the questions that runs ask, and whose they are to answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef

from accounts.actor import Actor
from accounts.queries.pages import Page, page_of
from accounts.tenancy import OrganizationQuerySet, in_organization
from agents.engine.errors import GraphInvalid
from agents.engine.lanes import parted
from agents.errors import ApprovalNotFound, RunNotFound
from agents.models import JournalEntry, Run
from agents.models.runs import UNFINISHED
from agents.queries.inputs import as_typed
from agents.queries.interventions import list_asked, may_decide
from agents.queries.progress import folded
from agents.queries.runs import access_run, read_journal, visible_runs
from agents.queries.timeline import WaitingView, list_waiting_steps
from codexos.kernel.jsontypes import JsonObject, JsonValue

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
        return in_a_line(self.wait.show if self.wait.call is None else self.wait.call.get("arguments"))

    @property
    def step(self) -> tuple[object, str]:
        """Which step of which flow asks, whichever lane and run it stands in."""
        return self.run.flow_id or self.run.label, parted(self.wait.node_id)[1]

    @property
    def risk(self) -> str:
        """How much may go wrong: ``high``, ``medium`` or ``low``; empty of a question that a flow asks."""
        call = self.wait.call
        return "" if call is None else risk_of(call)


def risk_of(call: JsonObject) -> str:
    """Say how much may go wrong with a call, by what it touches and by whose words led to it."""
    touches, labels = call.get("capabilities"), call.get("labels")
    words = set(map(str, touches)) if isinstance(touches, list | tuple) else set[str]()
    if words & {"exec", "spend"} or ("write" in words and labels):
        return "high"
    return "medium" if "write" in words or labels or call.get("secrets") else "low"


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
    found = [each for run in page.rows for each in questions_of(actor, run) if each.may_decide or not mine_only]
    return Page(found, page.next_cursor, page.previous_cursor)


@in_organization
def count_approvals(actor: Actor) -> int:
    """Return how many questions the actor may answer, among the runs that have asked longest."""
    runs = _asking_runs(actor).order_by("pk")[:MOST_COUNTED]
    return sum(each.may_decide for run in runs for each in questions_of(actor, run))


@in_organization
def open_question(actor: Actor, approval_id: str) -> ApprovalView | None:
    """Return a question by its name; None where it is not open, be it answered, asked anew, or none of the actor's."""
    try:
        run = access_run(actor, approval_id.partition(".")[0])
    except RunNotFound:
        return None
    found = questions_of(actor, run) if not run.is_finished and run.content_expired_at is None else ()
    return next((each for each in found if each.wait.id == approval_id), None)


@dataclass(frozen=True, slots=True)
class FoundQuestion:
    """Which step asks, and whether it is another question by now: what it is about has changed."""

    run_id: UUID
    node_id: str
    is_asked_again: bool


@in_organization
def find_question(actor: Actor, approval_id: str) -> FoundQuestion:
    """Return what a question's name stands for, be it open or not. Raises ApprovalNotFound."""
    said, _, seq = approval_id.partition(".")
    try:
        run = access_run(actor, said)
        asked = next(iter(read_journal(actor, run.id, after=int(seq) - 1)), None)
        with folded(actor, run) as progress:
            if asked is None or asked.seq != int(seq) or asked.type != "run.waiting" or asked.node_id is None:
                raise ApprovalNotFound(_UNKNOWN)
            waits = progress.waiting_at(asked.node_id)
            return FoundQuestion(run.id, asked.node_id, is_asked_again=waits is not None and waits.seq != asked.seq)
    except (RunNotFound, GraphInvalid, ValueError):
        raise ApprovalNotFound(_UNKNOWN) from None


_UNKNOWN = "No such approval, or none that you may see. List those that wait."


def _asking_runs(actor: Actor) -> OrganizationQuerySet[Run]:
    """Return the query for the runs that may have a question: those under way that said once that they wait."""
    told = JournalEntry.objects.for_organization(actor.organization_id).filter(
        run_id=OuterRef("pk"), content_days=OuterRef("content_days"), type="run.waiting"
    )
    asking = visible_runs(actor).filter(Exists(told), status__in=UNFINISHED)
    # Most pages only count: what is large is read of those alone that are looked into.
    return asking.defer("document", "input", "context", "library", "version__document", "version__source", *_DRAFT)


_DRAFT = ("flow__draft", "flow__source")


def questions_of(actor: Actor, run: Run) -> Sequence[ApprovalView]:
    """Return the questions of a run that the actor has access to."""
    try:
        with folded(actor, run) as progress:
            if not progress.waiting:
                return []
            waits = list_waiting_steps(progress, list_asked(actor, run.id))
    except GraphInvalid:
        # One that cannot be read is told of on its own page.
        return []
    return [
        ApprovalView(run, wait, may_decide(actor, run, wait.told) and str(actor.person_id) not in wait.approved)
        for wait in waits
        if wait.is_question and wait.decided is None
    ]
