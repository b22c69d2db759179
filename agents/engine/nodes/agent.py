# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""agent: an llm with tools. It is asked, what it calls is called, it is told what came of that and is asked again.

Each round is a lane: the calls of the answer before, side by side, and the next question. What was said stands in the
journal once, in the steps of the rounds; what is told to the model is put together from there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agents.engine.errors import AgentLimitReached
from agents.engine.expressions import render
from agents.engine.journal import usage_data
from agents.engine.lanes import Held
from agents.engine.nodes.conversation import recalled_entries
from agents.engine.nodes.llm import has_secrets
from agents.engine.nodes.rounds import START, THINK, names_in
from agents.engine.outcomes import Done
from agents.engine.steps import Holding, HoldingKind, Opening, StepContext
from codexos.kernel.jsontypes import JsonObject, JsonValue

DEFAULT_STEPS = 10
DEFAULT_CALLS = 50
MOST_CALLS_AT_ONCE = 20
MOST_READ = 128
"""How many calls of one answer are read at all: llm/engine/completions.py."""
UNKNOWN = "unknown"
"""What a call of a tool that there is not is named."""
_TAKEN_OVER = ("json", "route")


@dataclass(frozen=True, slots=True)
class _Allowed:
    """What a node allows, and what follows where that is used up."""

    steps: int
    calls: int
    cost_usd: float | None
    answers: bool

    @classmethod
    def by(cls, settings: JsonObject) -> "_Allowed":
        steps, calls, cost = (settings.get(name) for name in ("max_steps", "max_tool_calls", "max_cost_usd"))
        return cls(
            steps if isinstance(steps, int) else DEFAULT_STEPS,
            calls if isinstance(calls, int) else DEFAULT_CALLS,
            float(cost) if isinstance(cost, int | float) else None,
            settings.get("at_limit") == "answer",
        )


def _begin(step: StepContext) -> Holding:
    """Write down what is asked, so that every round begins with the same."""
    said: dict[str, JsonValue] = {}
    for name in ("system", "prompt"):
        written = step.setting_text(name)
        if written is not None and not has_secrets(written, step):
            said[name] = render(written, step.scope)
    return Holding(said=said)


def _turn(step: StepContext, held: Held) -> Sequence[Opening] | Done:
    allowed = _Allowed.by(step.node.settings)
    count = held.next_index
    if count == 0:
        return [_round(1, [], is_last=allowed.answers and allowed.steps == 1)]
    begun, answer = _object(_object(held.last).get(START)), _object(_object(held.last).get(THINK))
    asked = _calls(answer)
    if not asked or (begun.get("last") is True and str(answer.get("text", "")).strip()):
        return _done(step, held, answer=answer)
    made = sum(len(names_in(_object(each).get(START))) for each in held.collected)
    because = _used_up(allowed, held, made=made)
    if because and (not allowed.answers or begun.get("last") is True):
        raise AgentLimitReached(node_id=step.node_id, because=because)
    if because:
        return [_round(count + 1, [], is_last=True, left=because)]
    names = [str(call.get("tool") or UNKNOWN) for call in asked]
    now = names[: min(allowed.calls - made, MOST_CALLS_AT_ONCE)]
    count_asked = f"{MOST_READ} or more" if len(names) >= MOST_READ else str(len(names))
    left = f"Only {len(now)} of {count_asked} calls were made." if len(now) < len(names) else ""
    return [_round(count + 1, now, is_last=allowed.answers and count + 1 == allowed.steps, left=left)]


def _used_up(allowed: _Allowed, held: Held, *, made: int) -> str:
    """Say which limit is reached; empty where none is."""
    if held.next_index >= allowed.steps:
        return f"the model was asked {held.next_index} times (max_steps), and wants to call tools again."
    if made >= allowed.calls:
        return f"{made} calls of tools were made (max_tool_calls)."
    spent = float(held.usage.cost_usd)
    if allowed.cost_usd is not None and spent >= allowed.cost_usd:
        return f"it has cost ${spent:.6g}, of ${allowed.cost_usd:g} it may cost (max_cost_usd)."
    return ""


def _round(number: int, names: Sequence[str], *, is_last: bool, left: str = "") -> Opening:
    given: dict[str, JsonValue] = {"round": number, "calls": list(names)}
    if is_last:
        given["last"] = True
    if left:
        given["left"] = left
    return Opening(given)


def _done(step: StepContext, held: Held, *, answer: JsonObject) -> Done:
    begun = [_object(_object(each).get(START)) for each in held.collected]
    stopped = next((str(each["left"]) for each in begun if each.get("last") is True and "left" in each), "")
    result: dict[str, JsonValue] = {
        "text": answer.get("text"),
        "citations": answer.get("citations"),
        "usage": usage_data(held.usage),
        "model": answer.get("model"),
        "rounds": held.next_index,
        "tool_calls": sum(len(names_in(each)) for each in begun),
        **({"memory": len(recalled_entries(_object(held.results.get(0))))} if "memory" in step.node.settings else {}),
        **{name: answer[name] for name in _TAKEN_OVER if name in answer},
    }
    return Done(result, notes=[_stopped(step, stopped)] if stopped else [])


def _stopped(step: StepContext, because: str) -> JsonObject:
    return {"message": f"Step {step.node_id!r} answered with what it had: {because}", "level": "warning"}


def _calls(answer: JsonObject) -> list[JsonObject]:
    listed = answer.get("calls")
    return [_object(each) for each in listed] if isinstance(listed, list | tuple) else []


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, Mapping) else {}


AGENT = HoldingKind("agent", {}, _begin, _turn)
