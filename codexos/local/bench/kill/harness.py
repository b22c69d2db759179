# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Carries a run through deaths to its end, as its person looks after it, and says what is not as it must be."""

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString, cast

import psycopg

from codexos.local.bench.companion import Companion
from codexos.local.bench.kill.flow import EXPECTED, FORM, KEYS, ORDER, QUESTION, answer_to
from codexos.local.bench.kill.server import ASKED, HALF, CountingServer
from codexos.local.errors import LocalFault

MOST_HOLDERS = 40
KILLED = -9
LOOK_EVERY_SECONDS = 0.003
MOST_LOOKS = 10_000

_LINES: LiteralString = (
    "select count(*) from pg_stat_activity where datname = current_database() and usename = 'codexos_journal'"
)

Fatal = Sequence[str | None]
"""Where each holder of a run dies, one after the other; None: it does not."""


@dataclass(frozen=True)
class Fact:
    """One entry of a run's journal."""

    seq: int
    type: str
    key: str | None
    epoch: int
    data: Mapping[str, Any]


@dataclass
class Story:
    """What came of one run: its holders' points, how many of them were killed, and who had to be asked."""

    label: str
    run_id: str
    fatal: Fatal
    points: list[list[str]] = field(default_factory=list)
    kills: int = 0
    uncertain: int = 0
    status: str = ""
    facts: list[Fact] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    keys: Mapping[str, set[str]] = field(default_factory=dict)

    @property
    def output(self) -> Any:
        """What it came to."""
        return self.facts[-1].data.get("output") if self.facts else None

    def of_type(self, kind: str) -> list[Fact]:
        """Its facts of one type."""
        return [fact for fact in self.facts if fact.type == kind]


def read_facts(database: psycopg.Connection, run_id: str) -> list[Fact]:
    """Read a run's journal."""
    statement = "select seq, type, node_id, epoch, delta from agents_journalentry where run_id = %s order by seq"
    rows = database.execute(statement, [run_id]).fetchall()
    return [Fact(seq, kind, key, epoch, json.loads(data)) for seq, kind, key, epoch, data in rows]


class Harness:
    """Runs the flow again and again, each time with another death."""

    def __init__(self, nursery: Companion, server: CountingServer, database: psycopg.Connection) -> None:
        self._nursery = nursery
        self._server = server
        self._database = database
        self._runs = 0
        nursery.hear()

    def run(self, fatal: Fatal = ()) -> Story:
        """Carry a run to its end, whose holders die where ``fatal`` says. Raises LocalFault where it has none."""
        self._runs += 1
        label = f"r{self._runs}"
        given = {"url": f"http://127.0.0.1:{self._server.port}", "label": label}
        story = Story(label, self._ask("accept", input=given)["run"], fatal)
        for turn in range(MOST_HOLDERS):
            self._carry(story, fatal[turn] if turn < len(fatal) else None)
            if not self._is_going_on(story):
                self._look_at(story)
                return story
        raise LocalFault(f"Run {story.run_id} comes to no end: {story.points}")

    def _carry(self, story: Story, fatal: str | None) -> None:
        is_the_servers = fatal is not None and fatal.startswith((ASKED, HALF))
        self._server.condemn(fatal if is_the_servers else None)
        self._server.name_victim(self._ask("carry", fatal=fatal)["process"])
        came_to = self._nursery.hear()
        story.points.append(came_to["points"])
        if came_to["code"] == KILLED:
            story.kills += 1
            self._wait_for_what_it_sent()
        elif came_to["code"]:
            raise LocalFault(f"A worker broke with {came_to['code']}; what it said is on the standard error.")

    def _wait_for_what_it_sent(self) -> None:
        """Wait until the database has noticed the death: what was on its way is written or is not."""
        for _ in range(MOST_LOOKS):
            ((count,),) = self._database.execute(_LINES).fetchall()
            if not count:
                return
            time.sleep(LOOK_EVERY_SECONDS)
        raise LocalFault("The database does not notice that a worker was killed.")

    def _is_going_on(self, story: Story) -> bool:
        """Look after a run as its person would; whether it wants a holder."""
        ((story.status,),) = self._database.execute("select status from agents_run where id = %s", [story.run_id])
        if story.status == "waiting":
            self._look_at(story)
            for fact in _waiting(story.facts):
                self._ask("tell", run=story.run_id, data={"node_id": fact.key, **self._decision(story, fact)})
        return story.status in {"queued", "running", "waiting"}

    def _decision(self, story: Story, fact: Fact) -> Mapping[str, Any]:
        if fact.key == QUESTION:
            return {"decision": "approve", "form": FORM}
        if fact.data["reason"] != "may_have_happened":
            raise LocalFault(f"Nobody knows what to do about {fact}.")
        story.uncertain += 1
        # A person looks outside before deciding.
        happened = self._server.counts[story.label][str(fact.key)]
        result = {"status": 200, "json": answer_to(str(fact.key))}
        return {"decision": "done", "result": result} if happened else {"decision": "again"}

    def _look_at(self, story: Story) -> None:
        story.facts = read_facts(self._database, story.run_id)
        story.asked, story.keys = self._server.counts[story.label], self._server.keys[story.label]

    def _ask(self, do: str, **given: Any) -> dict[str, Any]:
        return cast(dict[str, Any], self._nursery.ask(json.dumps({"do": do, **given})))


def points_of(calm: Story) -> list[tuple[int, str]]:
    """Every point of a run in peace at which one may die: which holder, and where."""
    own = [(turn, point) for turn, points in enumerate(calm.points) for point in points]
    # What was asked before the question to people was asked by the first holder.
    servers = [(1 if what == "last" else 0, f"{where} {what}") for what in calm.asked for where in (ASKED, HALF)]
    return own + servers


def wrong_with(story: Story) -> list[str]:
    """Say what is not as the rule of effects and a run in peace have it; nothing where all is well."""
    found = []
    if story.status != "succeeded" or story.output != EXPECTED:
        found.append(f"it {story.status} with {story.output}")
    questions = Counter(fact.key for fact in story.of_type("run.waiting"))
    if questions[QUESTION] != 1 or questions[ORDER] > story.kills:
        found.append(f"people were asked too often or never: {dict(questions)}")
    return found + wrong_history(story) + _wrong_outside(story)


def doubled(story: Story) -> list[str]:
    """What was asked of the outside again although it was done, or may not be repeated."""
    return [text for text in _wrong_outside(story) if "doubled" in text]


def wrong_history(story: Story) -> list[str]:
    """What is not as a journal must be."""
    found = []
    if [fact.seq for fact in story.facts] != list(range(1, len(story.facts) + 1)):
        found.append("its journal has a gap")
    ended = Counter(fact.key for fact in story.facts if fact.type in {"step.done", "step.failed", "step.skipped"})
    found += [f"step {key!r} is told to have ended {times} times" for key, times in ended.items() if times > 1]
    if [fact.seq for fact in story.of_type("run.finished")] != [len(story.facts)]:
        found.append("it has not one end")
    if [fact.epoch for fact in story.facts] != sorted(fact.epoch for fact in story.facts):
        found.append("an earlier holder wrote behind a later one")
    return found


def wrong_effects(story: Story, keys: Mapping[str, str]) -> list[str]:
    """What was asked of the outside too often, by what it is asked for and the keys of the steps that ask."""
    found = []
    done = {fact.key: fact.seq for fact in story.of_type("step.done")}
    for what, key in keys.items():
        intended = [fact.seq for fact in story.of_type("step.intended") if fact.key == key]
        asked = story.asked[what]
        if asked > len(intended):
            found.append(f"{what} was doubled: asked {asked} times, intended {len(intended)} times")
        if key in done and any(seq > done[key] for seq in intended):
            found.append(f"{what} was doubled: begun again after it was done")
        if asked > 1 + story.kills:
            found.append(f"{what} was doubled: asked {asked} times after {story.kills} kills")
    return found


def _wrong_outside(story: Story) -> list[str]:
    found = wrong_effects(story, KEYS)
    found += [f"{what} was never asked" for what in KEYS if what != "rare" and not story.asked[what]]
    if story.asked[ORDER] != 1:
        found.append(f"the order was doubled: placed {story.asked[ORDER]} times")
    if story.asked["rare"]:
        found.append("a way that was not taken was gone")
    found += [f"{what} came under {len(keys)} keys" for what, keys in story.keys.items() if len(keys) > 1]
    return found


def _waiting(facts: Sequence[Fact]) -> list[Fact]:
    """The questions that are open."""
    waiting: dict[str | None, Fact] = {}
    for fact in facts:
        if fact.type == "run.waiting":
            waiting[fact.key] = fact
        elif fact.type == "approval.decided":
            waiting.pop(fact.key, None)
    return list(waiting.values())
