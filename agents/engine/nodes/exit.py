# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""exit: where a run ends. Its result is the run's: ``output`` filled in, else the last result."""

from collections.abc import Mapping

from agents.engine.expressions import MAX_TEMPLATE_CHARACTERS
from agents.engine.nodes import settings
from agents.engine.nodes.rendering import filled_in
from agents.engine.steps import PureKind, Setting, Shape, StepContext
from codexos.kernel.jsontypes import JsonValue


def _compute(step: StepContext) -> JsonValue:
    if "output" in step.node.settings:
        return filled_in(step.node.settings["output"], step.scope)
    last = step.last_result
    is_answer = step.previous is not None and step.previous.kind == "llm"
    return last["text"] if is_answer and isinstance(last, Mapping) and "text" in last else last


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
