# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What may be said of an llm with tools: which, how often, for how much."""

from collections.abc import Mapping

from agents.engine.memories import SCHEMA, trouble_of
from agents.engine.nodes import settings
from agents.engine.steps import Setting, Shape
from codexos.kernel.jsontypes import JsonValue

MOST_STEPS = 100
MOST_CALLS = 1_000
MOST_TOOLS = 100

AGENT_SETTINGS: Mapping[str, Setting] = {
    "tools": Setting(
        settings.list_of(settings.text(longest=200), most=MOST_TOOLS),
        "The tools that the model may call, by name; 'server.*' for all of a server, 'flow.NAME' for a flow.",
    ),
    "max_steps": Setting(
        settings.whole_number(least=1, most=MOST_STEPS),
        "How often the model is asked at most, where it has tools (10).",
    ),
    "max_tool_calls": Setting(
        settings.whole_number(least=1, most=MOST_CALLS), "How many calls of tools are made at most (50)."
    ),
    "max_cost_usd": Setting(
        settings.number(least=0, most=10_000), "How many dollars the node may cost before it comes to its end."
    ),
    "tool_choice": Setting(
        settings.one_of("auto", "required", "none"),
        "Whether the model calls tools as it likes, calls one first, or may call none.",
    ),
    "at_limit": Setting(
        settings.one_of("fail", "answer"),
        'What follows at a limit: "fail", or "answer": the model is asked once more, without tools.',
    ),
    "parallel_calls": Setting(
        settings.YES_OR_NO, "Whether calls that are asked for together are made side by side (true)."
    ),
}
"""The settings of an llm that mean something only beside ``tools``, and these."""

MEMORY = Setting(
    Shape(trouble_of, SCHEMA),
    "What of memory is shown to the model, and what it may keep: "
    '{"read": ["agent", "project.tone"], "write": ["conversation"]}.',
)


def is_agent(kind: str, given: Mapping[str, JsonValue]) -> bool:
    """Whether a node of a document is done in rounds."""
    return kind == "llm" and bool(given.get("tools") or given.get("memory"))
