# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What was said in the rounds of a model with tools, as messages: put together from the journal, kept within bounds."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from agents.engine.expressions import text_of
from agents.engine.lanes import Lane
from agents.engine.nodes.rounds import RECALL, START, THINK, call_ids, names_in
from codexos.kernel.chat import ContextDocument, Message, ToolCall
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.tool_calls import told_failed

MOST_OF_A_RESULT = 20_000
"""How many characters of what one tool gave a model is shown."""
SHORTENED = 300
"""What is left of an old result where the conversation grows too long."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One round as messages: the answer that asked for calls, and what came of each."""

    answer: Message
    results: Sequence[Message] = ()

    @property
    def size(self) -> int:
        """How many characters a model reads of it."""
        asked = sum(len(call.arguments) + len(call.name) for call in self.answer.calls)
        return len(self.answer.text) + asked + sum(len(message.text) for message in self.results)


@dataclass(frozen=True, slots=True)
class Conversation:
    """The rounds up to now, as they are told; ``notes`` say to people what was left out."""

    rounds: Sequence[Spoken] = ()
    left_out: int = 0
    notes: Sequence[JsonObject] = field(default=())

    @property
    def messages(self) -> list[Message]:
        """All of it, in order."""
        return [message for each in self.rounds for message in (each.answer, *each.results)]


def conversation_of(lane: Lane, *, budget: int) -> Conversation:
    """Tell what was said before the question of this round, in about ``budget`` characters.

    What tools gave longest ago is shortened first; where that is not enough, whole rounds are left out.
    """
    rounds = [_round(lane, index) for index in range(1, lane.index + 1)]
    if sum(each.size for each in rounds) <= budget:
        return Conversation(rounds)
    rounds, shortened = _shortened(rounds, budget=budget)
    left_out = 0
    while len(rounds) > 1 and sum(each.size for each in rounds) > budget:
        rounds, left_out = rounds[1:], left_out + 1
    return Conversation(rounds, left_out, _notes(shortened, left_out))


def _round(lane: Lane, index: int) -> Spoken:
    held = lane.owner
    if held is None or index == lane.index:
        return _spoken(lane, index)
    # A round that is over stays as it is: told once, however often the model is asked.
    known = held.at_hand.get(index)
    if not isinstance(known, Spoken):
        known = held.at_hand[index] = _spoken(lane, index)
    return known


def _spoken(lane: Lane, index: int) -> Spoken:
    """Tell of the answer before a round, and of what its calls gave."""
    held = lane.owner
    before = held.results.get(index - 1) if held is not None else None
    here = lane.results if index == lane.index else _object(held.results.get(index)) if held is not None else {}
    asked = calls_in(_object(before).get(THINK))
    ids = call_ids(names_in(here.get(START)))
    left = str(_object(here.get(START)).get("left") or "It was not made.")
    answer = Message("assistant", str(_object(_object(before).get(THINK)).get("text") or ""), calls=asked)
    said = [_told(here.get(ids[at]), call) if at < len(ids) else f"Not called: {left}" for at, call in enumerate(asked)]
    results = [Message("tool", text, call_id=call.id) for text, call in zip(said, asked, strict=True)]
    return Spoken(answer, results)


def calls_in(answer: JsonValue) -> list[ToolCall]:
    """Return the calls that an answer asks for, as the model named them."""
    listed = _object(answer).get("calls")
    found = [_object(each) for each in listed] if isinstance(listed, list | tuple) else []
    return [ToolCall(str(each.get("id")), str(each.get("name")), str(each.get("arguments"))) for each in found]


def recalled(lane: Lane) -> list[ContextDocument]:
    """Return what was read from memory before the first question, as material that is labeled; nothing where it is."""
    held = lane.owner
    first = lane.results if lane.index == 0 else _object(held.results.get(0)) if held is not None else {}
    lines = [_remembered(entry) for entry in recalled_entries(first)]
    return [ContextDocument("memory", "\n".join(lines))] if lines else []


def recalled_entries(first: Mapping[str, JsonValue]) -> list[JsonObject]:
    """Return the entries that were read, of what the first round gave."""
    found = [_object(result).get("entries") for node_id, result in first.items() if node_id.startswith(RECALL)]
    return [_object(entry) for entries in found if isinstance(entries, list | tuple) for entry in entries]


def _remembered(entry: JsonObject) -> str:
    doubt = "" if entry.get("trusted") is True else " (from strangers, not to be trusted)"
    return f"{entry.get('scope')}.{entry.get('key')}{doubt}: {text_of(entry.get('value'))}"


def _told(result: JsonValue, call: ToolCall) -> str:
    """Say what a call gave, or why it failed, as a model is told."""
    error = result.get("error") if isinstance(result, Mapping) and result.keys() == {"error"} else None
    if isinstance(error, Mapping) and error.keys() == {"code", "message"}:
        return told_failed(call.name, str(error["message"]))
    said = result if isinstance(result, str) else _as_json(result)
    return _cut(said, MOST_OF_A_RESULT)


def _as_json(result: JsonValue) -> str:
    if isinstance(result, Mapping) and result.keys() == {"text"}:
        return text_of(result)
    return json.dumps(result, ensure_ascii=False, separators=(",", ":"), default=dict)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}\n[cut: the first {most:,} of {len(text):,} characters]"


def _shortened(rounds: list[Spoken], *, budget: int) -> tuple[list[Spoken], int]:
    """Shorten what tools gave, from the oldest on, until it fits; what the newest gave stays as long as it can."""
    size, count = sum(each.size for each in rounds), 0
    made = list(rounds)
    for at, each in enumerate(rounds):
        results = list(each.results)
        for place, message in enumerate(results):
            if size <= budget:
                break
            short = _cut(message.text, SHORTENED)
            if len(short) < len(message.text):
                size -= len(message.text) - len(short)
                results[place] = replace(message, text=short)
                count += 1
        made[at] = replace(each, results=results)
    return made, count


def _notes(shortened: int, left_out: int) -> Sequence[JsonObject]:
    said = "What tools gave in earlier rounds was shortened to fit what the model takes."
    notes: list[JsonObject] = [{"message": said, "level": "warning"}] if shortened else []
    if left_out:
        notes.append({"message": "The first rounds were left out to fit what the model takes.", "level": "warning"})
    return notes


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, Mapping) else {}
