# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""planner: have a model write the next steps as a flow, check it, and do it. Its result is what that flow gives.

Each attempt at writing is a lane; what was wrong with one goes to the next. Once a plan holds it is done in the lane
after it, as a flow of its own that stands in the journal.
"""

from collections.abc import Mapping, Sequence

from agents.engine.errors import PlanInvalid
from agents.engine.expressions import MAX_TEMPLATE_CHARACTERS, render
from agents.engine.graph import FlowGraph, Node, Way
from agents.engine.lanes import Held
from agents.engine.nodes import settings
from agents.engine.nodes.asking import picked
from agents.engine.nodes.plans import PLANNABLE
from agents.engine.nodes.rendering import filled_in
from agents.engine.steps import Collected, Holding, HoldingKind, Opening, Setting, StepContext
from codexos.kernel.jsontypes import JsonObject, JsonValue

DEFAULT_KINDS = ("llm", "tool", "condition", "map")
DEFAULT_NODES = 12
MOST_NODES = 50
DEFAULT_ATTEMPTS = 2
MOST_ATTEMPTS = 5
MOST_TOOLS = 50


def _body(given: JsonObject) -> FlowGraph:
    allowed: JsonObject = {"kinds": list(DEFAULT_KINDS), "max_nodes": DEFAULT_NODES, "tools": []}
    asked = {**allowed, **picked(given, "model", "kinds", "max_nodes", "tools")}
    return FlowGraph.of(
        "planner",
        [
            Node("start", "entry", {}, (Way("write"),)),
            Node("write", "write_plan", asked, (Way("end"),)),
            Node("end", "exit", {}),
        ],
    )


def _begin(step: StepContext) -> Holding:
    """Write down what is wanted, so that every attempt and the plan itself begin with the same."""
    goal = step.setting_text("goal")
    said: dict[str, JsonValue] = {
        "goal": step.last_text if goal is None else render(goal, step.scope),
        "attempts": _attempts(step),
    }
    if "input" in step.node.settings:
        said["input"] = filled_in(step.node.settings["input"], step.scope)
    return Holding(said=said)


def _turn(step: StepContext, held: Held) -> Sequence[Opening] | Collected:
    answers = [_object(held.results[index]) for index in range(held.next_index)]
    for index, answer in enumerate(answers):
        if answer.get("document") is not None:
            # The lane behind the first plan that holds is the plan's own.
            is_done = held.next_index > index + 1
            return Collected("last") if is_done else [Opening(_input(held), flow=answer["document"])]
    if len(answers) >= _attempts(step):
        raise PlanInvalid(node_id=step.node_id, attempts=len(answers), wrong=_problems(answers[-1]))
    given = {name: held.data[name] for name in ("goal", "input") if name in held.data}
    last = {"answer": answers[-1].get("text"), "problems": answers[-1].get("problems")} if answers else {}
    return [Opening({**given, **last})]


def _input(held: Held) -> JsonValue:
    return held.data["input"] if "input" in held.data else held.data.get("goal")


def _problems(answer: JsonObject) -> list[str]:
    listed = answer.get("problems")
    return [str(each) for each in listed] if isinstance(listed, list | tuple) else []


def _attempts(step: StepContext) -> int:
    attempts = step.node.settings.get("attempts")
    return attempts if isinstance(attempts, int) else DEFAULT_ATTEMPTS


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, Mapping) else {}


PLANNER = HoldingKind(
    "planner",
    {
        "goal": Setting(
            settings.text(longest=MAX_TEMPLATE_CHARACTERS),
            "What the plan is to reach; a template. Without it, the last text.",
            is_template=True,
        ),
        "input": Setting(
            settings.ANYTHING,
            "What the plan begins with: a value with templates in it. Without it, the goal.",
            is_template=True,
        ),
        "model": Setting(settings.text(longest=200), "The model that plans; the steps of the plan ask it as well."),
        "tools": Setting(
            settings.list_of(settings.text(longest=200), most=MOST_TOOLS),
            "The tools the plan may call, by name. Without it, none. One that writes is called without asking again.",
        ),
        "kinds": Setting(
            settings.list_of(settings.one_of(*PLANNABLE), most=len(PLANNABLE)),
            f"The kinds of node the plan may have ({', '.join(DEFAULT_KINDS)}).",
        ),
        "max_nodes": Setting(
            settings.whole_number(least=2, most=MOST_NODES), "How many nodes the plan may have, bodies included (12)."
        ),
        "attempts": Setting(
            settings.whole_number(least=1, most=MOST_ATTEMPTS), "How often the model may try to write it (2)."
        ),
    },
    _begin,
    _turn,
    _body,
)
