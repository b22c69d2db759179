# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the engine knows of a tool: its name, the shapes it takes and gives, what it touches, and what it promises."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

from agents.engine.errors import ToolCallInvalid, ToolResultInvalid
from agents.engine.outcomes import Done
from codexos.kernel.chat import Usage
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.redaction import redact_mapping
from codexos.kernel.schemas import mismatches

SHOWN_CHARACTERS = 20_000
# As the journal writes, but for what is no number in JSON.
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=dict).encode


def without_secrets(arguments: JsonObject) -> JsonObject:
    """Return the arguments of a call as they may be written down: what looks like a secret redacted, long texts cut."""
    return redact_mapping({name: _cut(value) for name, value in arguments.items()})


def _cut(value: JsonValue) -> JsonValue:
    # Who approves of a call is to know that there is more of it.
    if isinstance(value, str) and len(value) > SHOWN_CHARACTERS:
        return f"{value[:SHOWN_CHARACTERS]}… ({len(value) - SHOWN_CHARACTERS:,} more characters are not shown)"
    return value


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a flow sees it.

    ``reads_only`` changes nothing outside, so every call may be made again; of other tools ``repeats`` tells by the
    arguments which calls the far side recognizes by their key. ``shown`` is what of the arguments may be written down.
    ``touches`` says which capabilities a call with these arguments uses, ``egress:*`` by its host. What it gives is
    text of strangers where it ``gives_untrusted``. Arguments that are ``content`` carry text and steer nothing.
    ``cost_usd`` is what one call costs at most, where that is known. ``labels_in`` says of a result what in it is of
    strangers, where only some is. ``fingerprint`` changes with what is behind the tool, such as a server's address;
    built-in tools have none.
    ``takes_files`` says which calls take what stands in the run's workspace with them;
    results that hold ``workspace`` tell what stands there behind a call only where a tool ``keeps_files``.
    A call under way ``ends_with_run`` where people cancel that, whatever it has done until then.
    """

    name: str
    description: str
    schema: JsonObject
    result_schema: JsonObject = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    reads_only: bool = False
    repeats: Callable[[JsonObject], bool] | None = None
    shown: Callable[[JsonObject], JsonObject] = without_secrets
    timeout_seconds: float = 60
    touches: Callable[[JsonObject], Sequence[str]] | None = None
    gives_untrusted: bool = True
    content: frozenset[str] = frozenset()
    cost_usd: Decimal | None = None
    usage_in: Callable[[JsonValue], Usage] | None = None
    labels_in: Callable[[JsonValue], frozenset[str]] | None = None
    fingerprint: str = ""
    takes_files: Callable[[JsonObject], bool] | None = None
    keeps_files: bool = False
    ends_with_run: bool = False

    def capabilities_of(self, arguments: JsonObject) -> Sequence[str]:
        """Return what a call with these arguments touches."""
        return self.capabilities if self.touches is None else self.touches(arguments)

    def goes_out(self, arguments: JsonObject) -> bool:
        """Whether a call with these arguments reaches any host."""
        return any(each.startswith("egress") for each in self.capabilities_of(arguments))

    def sends_files(self, arguments: JsonObject) -> bool:
        """Whether a call takes the workspace's files to where something may leave: what stands in them steers it."""
        return self.takes_files is not None and self.takes_files(arguments) and self.goes_out(arguments)

    def may_repeat(self, arguments: JsonObject) -> bool:
        """Whether a call with ``arguments`` that was cut off may be made again without asking a person."""
        return self.reads_only or (self.repeats is not None and self.repeats(arguments))

    @property
    def repeatable(self) -> Literal["always", "some", "never"]:
        """How many of its calls may be made again."""
        if self.reads_only:
            return "always"
        return "never" if self.repeats is None else "some"


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
    if not mismatches(arguments, spec.schema):
        return
    # What is wrong is quoted, so it is told of what may be written down.
    wrong = mismatches(spec.shown(arguments), spec.schema) or ["something that is not shown here has the wrong shape"]
    raise ToolCallInvalid(
        f"Tool {spec.name!r} was called wrongly: {'; '.join(wrong)}. Correct the arguments and call it again.",
        tool=spec.name,
        errors=[{"place": "$", "message": message} for message in wrong],
    )


def as_edited(shown: JsonObject, edited: JsonObject, *, whole: JsonObject) -> JsonObject:
    """Return the arguments of a call as somebody edited what they were ``shown`` of the ``whole``.

    What they left as it was shown stays what it is, a secret's reference or a text that was cut. What they wrote is
    text: nothing that it says refers to a secret.
    """
    return {
        name: _as_edited(shown[name], value, whole=whole[name]) if name in shown and name in whole else value
        for name, value in edited.items()
    }


def _as_edited(shown: JsonValue, edited: JsonValue, *, whole: JsonValue) -> JsonValue:
    if edited == shown and isinstance(edited, bool) == isinstance(shown, bool):
        return whole
    if isinstance(shown, Mapping) and isinstance(edited, Mapping) and isinstance(whole, Mapping):
        return as_edited(shown, edited, whole=whole)
    lists = [each for each in (shown, edited, whole) if isinstance(each, list | tuple)]
    if len(lists) == 3 and len(set(map(len, lists))) == 1:
        return [_as_edited(was, said, whole=part) for was, said, part in zip(*lists, strict=True)]
    return edited


def kept_result(spec: ToolSpec, result: JsonValue) -> Done:
    """Return a result as the journal keeps it. Raises ToolResultInvalid where it is not what the tool promised."""
    done = _as_json(spec, result)
    wrong = mismatches(done.result, spec.result_schema)
    if wrong:
        raise ToolResultInvalid(tool=spec.name, wrong=wrong)
    return done if spec.usage_in is None else replace(done, usage=spec.usage_in(done.result))


def _as_json(spec: ToolSpec, result: JsonValue) -> Done:
    try:
        text = _encode(result)
    except RecursionError:
        # Too deep for the journal, which says so by name.
        return Done(result)
    except (TypeError, ValueError) as error:
        raise ToolResultInvalid(tool=spec.name, wrong=[f"a value that JSON does not have ({error})"]) from None
    try:
        return Done(result, written=text.encode())
    except UnicodeEncodeError:
        # The next step must not see anything else than one that reads it back after a crash.
        written = text.encode("utf-8", "replace")
        return Done(json.loads(written), written=written)
