# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""reflection: judge a draft by a rubric and revise it, until it passes or its rounds are over.

Each round is a lane in which ``judge`` gives a verdict and ``revise`` writes the draft anew where one is due. The
result is the last draft, which was always judged, with every critique.
"""

from collections.abc import Iterable, Mapping, Sequence

from agents.engine.errors import RubricEmpty, RubricNotPassed
from agents.engine.expressions import MAX_TEMPLATE_CHARACTERS, render
from agents.engine.graph import ELSE, FlowGraph, Node, Way
from agents.engine.lanes import Held
from agents.engine.nodes import settings
from agents.engine.nodes.asking import picked
from agents.engine.outcomes import Done
from agents.engine.steps import Holding, HoldingKind, Opening, Setting, StepContext
from codexos.kernel.jsontypes import JsonObject, JsonValue

DEFAULT_ROUNDS = 3
MOST_ROUNDS = 10


def _body(given: JsonObject) -> FlowGraph:
    model = picked(given, "model")
    critic = {"model": given["critic"]} if given.get("critic") is not None else model
    again = (Way("revise", when='judge.verdict == "revise" and not input.is_last'), Way("end", when=ELSE))
    output: JsonObject = {
        "verdict": "{{ judge.verdict }}",
        "text": "{{ judge.text }}",
        "revised": "{{ revise ?? null }}",
    }
    return FlowGraph.of(
        "reflection",
        [
            Node("start", "entry", {}, (Way("judge"),)),
            Node("judge", "judge", critic, again),
            Node("revise", "revise", model, (Way("end"),)),
            Node("end", "exit", {"output": output}),
        ],
    )


def _begin(step: StepContext) -> Holding:
    """Write down what every round goes by, so that none sees another rubric than the one before."""
    rubric = render(step.setting_text("rubric") or "", step.scope)
    if not rubric.strip():
        raise RubricEmpty(node_id=step.node_id)
    written = step.setting_text("of")
    draft = step.last_text if written is None else render(written, step.scope)
    said: JsonObject = {"rubric": rubric, "draft": draft, "citations": _citations_of(draft, _cited(step))}
    return Holding(said={**said, "max_rounds": _most(step)})


def _turn(step: StepContext, held: Held) -> Sequence[Opening] | Done:
    rounds = [_object(held.results[index]) for index in range(held.next_index)]
    draft, citations = _newest(held, rounds)
    has_passed = bool(rounds) and rounds[-1].get("verdict") == "pass"
    if not has_passed and held.next_index < _most(step):
        is_last = held.next_index + 1 == _most(step)
        return [Opening({"draft": draft, "rubric": held.data.get("rubric"), "is_last": is_last})]
    if not has_passed and step.setting_text("at_limit") == "fail":
        raise RubricNotPassed(node_id=step.node_id, rounds=len(rounds))
    result: JsonObject = {
        "text": draft,
        "passed": has_passed,
        "rounds": len(rounds),
        "critiques": [{"verdict": each.get("verdict"), "text": each.get("text")} for each in rounds],
        "citations": citations,
    }
    return Done(result, notes=[] if has_passed else [_not_passed(step, len(rounds))])


def _newest(held: Held, rounds: Sequence[JsonObject]) -> tuple[str, list[JsonValue]]:
    """Return the draft as it is now, with where its quotes stand."""
    draft, citations = str(held.data.get("draft", "")), _list(held.data.get("citations"))
    for each in rounds:
        revised = each.get("revised")
        if isinstance(revised, Mapping):
            draft = str(revised.get("text", ""))
            citations = _citations_of(draft, [*_list(revised.get("citations")), *citations])
    return draft, citations


def _not_passed(step: StepContext, rounds: int) -> JsonObject:
    message = f"The draft of {step.node_id!r} did not pass its rubric within {rounds} rounds; the run goes on with it."
    return {"message": message, "level": "warning"}


def _most(step: StepContext) -> int:
    most = step.node.settings.get("max_rounds")
    return most if isinstance(most, int) else DEFAULT_ROUNDS


def _cited(step: StepContext) -> list[JsonValue]:
    """Everything that the results which may be read here cite."""
    return [each for lane in step.lane.outward() for result in lane.results.values() for each in _citations(result)]


def _citations(result: JsonValue) -> list[JsonValue]:
    return _list(result.get("citations")) if isinstance(result, Mapping) else []


def _citations_of(draft: str, cited: Iterable[JsonValue]) -> list[JsonValue]:
    """Keep of what was cited that whose words still stand in the draft, each once."""
    said = " ".join(draft.split())
    kept: list[JsonValue] = []
    for each in cited:
        quote = " ".join(str(_object(each).get("quote", "")).split())
        if quote and quote in said and each not in kept:
            kept.append(each)
    return kept


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, Mapping) else {}


def _list(value: JsonValue) -> list[JsonValue]:
    return list(value) if isinstance(value, list | tuple) else []


_TEXT = settings.text(longest=MAX_TEMPLATE_CHARACTERS)
_MODEL = settings.text(longest=200)

REFLECTION = HoldingKind(
    "reflection",
    {
        "rubric": Setting(
            _TEXT, "What the draft must do to pass, point by point; a template.", is_template=True, is_required=True
        ),
        "of": Setting(_TEXT, "The draft to begin with; a template. Without it, the last text.", is_template=True),
        "model": Setting(_MODEL, "The model that revises, and judges where no other does."),
        "critic": Setting(_MODEL, "The model that judges, where it is to be another."),
        "max_rounds": Setting(
            settings.whole_number(least=1, most=MOST_ROUNDS), "How often the draft is judged at most (3)."
        ),
        "at_limit": Setting(
            settings.one_of("go on", "fail"),
            'What follows when the draft did not pass in the last round: "go on" with it, or "fail".',
        ),
    },
    _begin,
    _turn,
    _body,
)
