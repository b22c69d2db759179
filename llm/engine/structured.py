# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Answers that are JSON of a schema: how they are asked for, found in what a model said, and judged."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from codexos.kernel.chat import ChatAnswer, ChatRequest, Message
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.schemas import mismatches

MOST_BEGINNINGS = 50
"""At how many brackets of an answer JSON is looked for."""
MOST_WRONG = 10
_QUOTED_CHARACTERS = 20_000
_FENCED = re.compile(r"```[\w-]*[ \t]*\n(.*?)\n?[ \t]*```", re.S)
_OPENING = re.compile(r"[{\[]")


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found in an answer, and in what it misses its schema: nothing, where it fits."""

    value: JsonValue = None
    wrong: Sequence[str] = ()


def asking_for(request: ChatRequest, schema: JsonObject) -> ChatRequest:
    """Say in words, too, what form the answer is to have: not every provider makes its models keep to one."""
    told = f"Answer with JSON alone, nothing before or after it, that fits this JSON Schema:\n{_written(schema)}"
    first, *rest = request.messages or [Message("user", "")]
    if first.role == "system":
        return replace(request, messages=[replace(first, text=f"{first.text}\n\n{told}"), *rest])
    return replace(request, messages=[Message("system", told), *request.messages])


def asking_again(asked: ChatRequest, answer: ChatAnswer, *, wrong: Sequence[str]) -> ChatRequest:
    """Show a model its own answer, and say what is wrong with it."""
    listed = "\n".join(f"- {each}" for each in wrong)
    said = f"That does not fit:\n{listed}\n\nAnswer again, with the corrected JSON alone."
    mine = Message("assistant", answer.text[:_QUOTED_CHARACTERS] or "(nothing)")
    # Another question under the same key would be taken for the first one, asked a second time.
    key = asked.key and f"{asked.key}-again"
    return replace(asked, messages=[*asked.messages, mine, Message("user", said)], key=key)


def read_answer(answer: ChatAnswer, schema: JsonObject) -> Reading:
    """Find the JSON in what a model said and judge it. Of several, the first that fits is meant."""
    text = answer.text.strip()
    if not text:
        return Reading(wrong=["it is empty"])
    misfit: Reading | None = None
    for value in _found(text):
        wrong = mismatches(value, schema)[:MOST_WRONG]
        if not wrong:
            return Reading(value)
        misfit = misfit or Reading(value, wrong)
    if answer.finish_reason == "length":
        return Reading(wrong=["it was cut off at the limit of tokens, so keep it shorter"])
    return misfit or Reading(wrong=[_not_json(text)])


def _found(text: str) -> Iterator[JsonValue]:
    """The values that stand in a text: all of it, what is fenced, and what begins with a bracket."""
    for candidate in (text, *(found[1].strip() for found in _FENCED.finditer(text))):
        try:
            yield _DECODER.decode(candidate)
        except (ValueError, RecursionError):
            continue
    end = 0
    for count, opening in enumerate(_OPENING.finditer(text)):
        if count >= MOST_BEGINNINGS:
            return
        if opening.start() < end:
            continue
        try:
            value, end = _DECODER.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            continue
        yield value


def _not_json(text: str) -> str:
    try:
        _DECODER.decode(text)
    except json.JSONDecodeError as error:
        return f"it is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
    except (ValueError, RecursionError):
        pass
    return "it is not JSON"


def _refuse(name: str) -> JsonValue:
    # Python reads NaN and Infinity, which are no JSON and cannot be kept.
    raise ValueError(f"{name} is no number of JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def _written(schema: JsonObject) -> str:
    return json.dumps(schema, ensure_ascii=False, separators=(", ", ": "), default=dict)
