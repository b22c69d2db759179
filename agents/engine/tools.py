# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the engine knows of a tool: its name, the shape of its arguments, and what it promises."""

from dataclasses import dataclass

from agents.engine.errors import ToolCallInvalid
from agents.engine.schemas import mismatches
from codexos.kernel.jsontypes import JsonObject


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a flow sees it. ``reads_only`` changes nothing outside; ``is_idempotent`` honors a repeated key."""

    name: str
    description: str
    schema: JsonObject
    reads_only: bool = False
    is_idempotent: bool = False
    timeout_seconds: float = 60

    @property
    def may_repeat(self) -> bool:
        """Whether a call that was cut off may be made again without asking a person."""
        return self.reads_only or self.is_idempotent


def arguments_from_text(spec: ToolSpec, text: str) -> JsonObject:
    """Hand a text to the tool's one required string parameter. Raises ToolCallInvalid where there is no such one."""
    required = spec.schema.get("required")
    properties = spec.schema.get("properties")
    names = list(required) if isinstance(required, list | tuple) else []
    if len(names) == 1 and isinstance(properties, dict):
        name = names[0]
        shape = properties.get(name)
        if isinstance(name, str) and isinstance(shape, dict) and shape.get("type") == "string":
            return {name: text}
    raise ToolCallInvalid(
        f"Tool {spec.name!r} does not have exactly one required text parameter, so the last text cannot go to it. "
        "Say its arguments in the node's 'arguments'.",
        tool=spec.name,
    )


def check_arguments(spec: ToolSpec, arguments: JsonObject) -> None:
    """Refuse arguments that do not fit. Raises ToolCallInvalid, readable for people and models alike."""
    wrong = mismatches(arguments, spec.schema)
    if wrong:
        raise ToolCallInvalid(
            f"Tool {spec.name!r} was called wrongly: {'; '.join(wrong)}. Correct the arguments and call it again.",
            tool=spec.name,
            errors=[{"place": "$", "message": message} for message in wrong],
        )
