# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can go wrong inside the engine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from codexos.kernel.errors import Broken, Conflict, InvalidInput, LimitReached, NotAllowed, Unavailable
from codexos.kernel.jsontypes import JsonValue


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a document: the JSON path where it stands, and what to do about it.

    A warning holds nothing up. ``line`` and ``column`` count from 1; they are known where a text was checked.
    """

    place: str
    message: str
    severity: Literal["error", "warning"] = "error"
    line: int | None = None
    column: int | None = None

    @property
    def is_error(self) -> bool:
        """Whether a flow with it cannot run."""
        return self.severity == "error"

    def as_data(self) -> dict[str, JsonValue]:
        """Say it as JSON; where in the text only where that is known."""
        data: dict[str, JsonValue] = {"place": self.place, "message": self.message}
        if not self.is_error:
            data["severity"] = self.severity
        if self.line is not None:
            data |= {"line": self.line, "column": self.column}
        return data


class GraphInvalid(InvalidInput):
    """A flow document does not hold together; ``problems`` and ``details["errors"]`` list everything at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        others = len(self.problems) - 1
        more = {0: "", 1: " There is 1 more problem."}.get(others, f" There are {others} more problems.")
        super().__init__(
            f"The flow cannot run. {first.place}: {first.message}{more}",
            errors=[problem.as_data() for problem in self.problems],
        )


class PolicyInvalid(InvalidInput):
    """A policy does not hold together; ``problems`` and ``details["errors"]`` list everything at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        more = f" It has {len(self.problems)} problems in all." if len(self.problems) > 1 else ""
        super().__init__(
            f"This is no policy yet. {first.place}: {first.message}{more}",
            errors=[problem.as_data() for problem in self.problems],
        )


class ExpressionInvalid(InvalidInput):
    """A template cannot be read or filled in; ``position`` counts characters from 1."""

    def __init__(self, message: str, *, position: int) -> None:
        self.position = position
        super().__init__(message, position=position)


class SecretsNotAtHand(NotAllowed):
    """A step refers to secrets where there is no vault to have them from."""

    def __init__(self, *, keys: Sequence[str]) -> None:
        named = ", ".join(repr(key) for key in keys[:20])
        super().__init__(
            f"There is no vault here, so {named} cannot be used. Run the flow on a server, in its project."
        )


class NoBranch(InvalidInput):
    """A condition came to a value that none of its outcomes stands for, and has no ``else``."""

    def __init__(self, *, node_id: str, value: str, outcomes: Sequence[str]) -> None:
        shown = value if len(value) <= 100 else f"{value[:97]}…"
        known = ", ".join(repr(outcome) for outcome in outcomes[:20]) or "none"
        super().__init__(
            f"Condition {node_id!r} came to {shown!r}, which is none of its outcomes: {known}. "
            "Give it that outcome, or an 'else'.",
            node_id=node_id,
            value=shown,
            outcomes=list(outcomes),
        )


class NoWayOut(InvalidInput):
    """A node has its result, but none of the ways out of it fits."""

    def __init__(self, *, node_id: str) -> None:
        super().__init__(
            f"None of the ways out of {node_id!r} holds, so the run cannot go on from there. "
            'Add one that says "else", or one that is always taken.',
            node_id=node_id,
        )


class RunInputInvalid(InvalidInput):
    """The input of a run does not fit what the flow's entry asks for."""


class ToolUnknown(InvalidInput):
    """No tool of that name is offered to this run."""

    def __init__(self, *, tool: str, known: Sequence[str]) -> None:
        offered = ", ".join(sorted(known)) or "none"
        super().__init__(f"There is no tool called {tool!r}. Use one of: {offered}.", tool=tool, known=sorted(known))


class ToolCallInvalid(InvalidInput):
    """A tool was called with arguments that do not fit its schema."""


class ToolResultInvalid(Conflict):
    """A tool gave back something else than its schema promises."""

    def __init__(self, *, tool: str, wrong: Sequence[str]) -> None:
        super().__init__(
            f"Tool {tool!r} gave back something else than it promises: {'; '.join(wrong)}. "
            "The call was made; correct the tool before you run this again.",
            tool=tool,
        )


class ResultTooLarge(LimitReached):
    """A step gave back more than the journal takes."""

    def __init__(self, *, node_id: str, limit: int) -> None:
        super().__init__(
            f"The result of step {node_id!r} is larger than {limit:,} characters, or too deep. Make it return less.",
            node_id=node_id,
        )


class StepTimedOut(Unavailable):
    """A step took longer than it may."""

    def __init__(self, *, node_id: str, seconds: float) -> None:
        super().__init__(
            f"Step {node_id!r} took longer than {seconds:g} seconds. Raise its timeout_seconds or make it do less.",
            node_id=node_id,
        )


class StepIdle(Unavailable):
    """A step gave no sign of life for longer than it may."""

    def __init__(self, *, node_id: str, seconds: float) -> None:
        super().__init__(
            f"Step {node_id!r} was silent for {seconds:g} seconds. Raise its idle_seconds, or see what it waits for.",
            node_id=node_id,
        )


class TooManyLanes(LimitReached):
    """A node would do its body more often than any may."""

    def __init__(self, *, node_id: str, count: int, limit: int) -> None:
        super().__init__(
            f"Step {node_id!r} would do its body {count:,} times; at most {limit:,} are done. Give it a shorter list.",
            node_id=node_id,
        )


class LoopLimitReached(LimitReached):
    """A loop came to its last round, and what it waits for did not hold."""

    def __init__(self, *, node_id: str, rounds: int) -> None:
        super().__init__(
            f"Loop {node_id!r} did not come to its end within {rounds:,} rounds. Raise its max_rounds, look at its "
            "'until', or let it go on with the last round by 'at_limit'.",
            node_id=node_id,
        )


class RubricEmpty(InvalidInput):
    """Drafts were to be judged by a rubric that came to nothing."""

    def __init__(self, *, node_id: str) -> None:
        super().__init__(
            f"The rubric of {node_id!r}, filled in, is empty, so any draft would pass. Say what a draft must do.",
            node_id=node_id,
        )


class RubricNotPassed(LimitReached):
    """A reflection came to its last round, and the draft still did not pass."""

    def __init__(self, *, node_id: str, rounds: int) -> None:
        super().__init__(
            f"The draft of {node_id!r} did not pass its rubric within {rounds:,} rounds. Raise its max_rounds, look at "
            "the critiques of its rounds, or let it go on with the last draft by 'at_limit'.",
            node_id=node_id,
        )


class AgentLimitReached(LimitReached):
    """A model with tools was to do more than its node allows, and that does not say to answer with what there is."""

    def __init__(self, *, node_id: str, because: str) -> None:
        super().__init__(
            f"Step {node_id!r} came to its limit: {because} Raise it, look at the step's rounds, or let it answer with "
            "what it has by 'at_limit'.",
            node_id=node_id,
        )


class MemoryRefused(InvalidInput):
    """Something is not kept in memory, or is not found there."""


class PlanInvalid(InvalidInput):
    """A model was asked for a plan as often as it may be, and none of its answers is one that may run."""

    def __init__(self, *, node_id: str, attempts: int, wrong: Sequence[str]) -> None:
        told = " ".join(wrong[:3]) or "It wrote nothing."
        more = f" And {len(wrong) - 3} more." if len(wrong) > 3 else ""
        super().__init__(
            f"Planner {node_id!r} wrote no plan that may run, in {attempts} attempts. The last one: {told}{more} "
            "Say the goal more plainly, allow what it needs, or ask another model.",
            node_id=node_id,
            errors=[
                {"place": place, "message": message} for place, _, message in (each.partition(": ") for each in wrong)
            ],
        )


class FlowNotAtHand(Conflict):
    """A sub-flow was not pinned when the run began."""

    def __init__(self, *, node_id: str, flow: str) -> None:
        super().__init__(
            f"Step {node_id!r} does flow {flow!r}, which is not at hand here. Run it in its project, where flows are "
            "found by name.",
            node_id=node_id,
        )


class PictureNotNamed(InvalidInput):
    """A step is to show a model a picture that is not among the files of its run."""

    def __init__(self, *, names: Sequence[str], known: Sequence[str]) -> None:
        asked = ", ".join(repr(name[:100]) for name in names)
        there = f"It has {', '.join(map(repr, known[:20]))}." if known else "It has none."
        super().__init__(f"The run's context has no picture {asked}. {there} Name it there, as PNG, JPEG, WebP or GIF.")


class TooManyPictures(LimitReached):
    """More pictures than one question shows a model."""

    def __init__(self, *, count: int, size_bytes: int, most: int, most_bytes: int) -> None:
        super().__init__(
            f"{count} pictures of {size_bytes:,} bytes are more than one question shows: {most} pictures of "
            f"{most_bytes:,} bytes in all. Show fewer or smaller ones.",
            count=count,
            size_bytes=size_bytes,
        )


class NoListToMap(InvalidInput):
    """Something was to be gone through one by one, and it is no list."""

    def __init__(self, *, node_id: str, found: str) -> None:
        super().__init__(
            f"Map {node_id!r} goes over a list; 'over' came to {found}. Name a list, such as {{{{ input.items }}}}.",
            node_id=node_id,
        )


class VariableMisfit(InvalidInput):
    """A value cannot go into a variable of the run."""

    def __init__(self, *, name: str, reducer: str) -> None:
        super().__init__(
            f"A value set for {name!r} does not go together with what it holds by {reducer!r}. "
            "Set a value of the kind it takes, or choose another reducer.",
            name=name,
        )


class NobodyAnswered(Conflict):
    """A question to people was not answered in time, and the flow does not say what follows then."""

    def __init__(self, *, node_id: str) -> None:
        super().__init__(
            f"Nobody decided about {node_id!r} in time. Give it a way for 'timeout', or more time.", node_id=node_id
        )


class JourneyImpossible(InvalidInput):
    """A run cannot go on from another one as it was asked to."""


class NotRecorded(Conflict):
    """A replay would have had to reach for something that its record does not hold."""

    def __init__(self, *, what: str) -> None:
        super().__init__(f"The replay asked for {what}, which the record does not hold. Nothing outside was reached.")


class NothingToRetry(Conflict):
    """A run has nothing that another one could do better."""


class LeaseLost(Conflict):
    """Another worker holds the run now: nothing more may be written by this one."""


class JournalDiverged(Broken):
    """The journal tells a story this graph cannot have lived."""
