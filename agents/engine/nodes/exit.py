# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""exit: where a run ends. Its result is the run's: ``output`` filled in, else the last result, or each by its node."""

from collections.abc import Mapping

from agents.engine.expressions import MAX_TEMPLATE_CHARACTERS
from agents.engine.nodes import settings
from agents.engine.nodes.rendering import filled_in
from agents.engine.steps import Collected, PureKind, Setting, Shape, StepContext
from codexos.kernel.jsontypes import JsonValue


def _compute(step: StepContext) -> JsonValue | Collected:
    if step.node.settings.get("collects") is True:
        # Inside a node that goes by all of what its rounds gave; no document says so.
        return Collected("lane")
    if "output" in step.node.settings:
        return filled_in(step.node.settings["output"], step.scope)
    given = {node.id: _given(node.kind, step.results[node.id]) for node in step.sources}
    return next(iter(given.values())) if len(given) == 1 else given


_ANSWERING = frozenset({"llm", "agent"})


def _given(kind: str, result: JsonValue) -> JsonValue:
    return result["text"] if kind in _ANSWERING and isinstance(result, Mapping) and "text" in result else result


def _output_trouble(value: JsonValue) -> str | None:
    return _TEXT.trouble(value) if isinstance(value, str) else None


_TEXT = settings.text(longest=MAX_TEMPLATE_CHARACTERS, may_be_empty=True)

EXIT = PureKind(
    "exit",
    {
        "output": Setting(
            Shape(_output_trouble, {}),
            "The result of the run: a value with templates in it. Without it, the last result.",
            is_template=True,
        )
    },
    _compute,
)
