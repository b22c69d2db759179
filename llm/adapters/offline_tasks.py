# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the built-in model makes of a task: it judges and revises by words and quotes, and plans a chain of tools."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from codexos.kernel.chat import ChatTask, ContextDocument, Judging, Planning, Revising, ToolOffer
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.prose import words
from llm.adapters.quoting import Reading, terms_of

LEAST_SHARE = 0.5
"""How much of what a rubric names a draft must name to pass."""
MOST_NAMED = 10
MOST_QUOTES = 3
# Words that say how a draft is to be written rather than what it is to name.
_OF_FORM = frozenset(
    words(
        "most least more fewer word sentence paragraph line page fact claim statement stand every part clear clearly "
        "plain simple concise complete correct draft contain include mention name cover state must should never only"
    )
)
_RAW_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")

Told = tuple[str, Sequence[JsonObject]]


def do_task(task: ChatTask, documents: Sequence[ContextDocument]) -> Told:
    """Answer in the form that the task asks for, with what the answer cites."""
    match task:
        case Judging(draft, rubric):
            return _judged(draft, rubric), ()
        case Revising(draft, rubric):
            return _revised(draft, rubric, documents)
        case Planning():
            return json.dumps({"nodes": _planned(task)}, indent=1, ensure_ascii=False, default=dict), ()


def size_of(task: ChatTask) -> int:
    """Return how many characters are to be read for a task, beside the documents."""
    return 0 if isinstance(task, Planning) else len(task.draft) + len(task.rubric)


def _judged(draft: str, rubric: str) -> str:
    named, missing = _named_and_missing(draft, rubric)
    told = f"I am the built-in offline model and compare words. Of {len(named)} words of the rubric, "
    if len(missing) <= len(named) * (1 - LEAST_SHARE):
        return f"PASS\n{told}the draft has {len(named) - len(missing)}."
    return f"REVISE\n{told}the draft lacks {len(missing)}: {', '.join(missing[:MOST_NAMED])}."


def _named_and_missing(draft: str, rubric: str) -> tuple[Sequence[str], Sequence[str]]:
    """Return the words by which a rubric names its matter, as they are written there, and those the draft lacks."""
    matter, said = set(terms_of(rubric)) - _OF_FORM, set(words(draft))
    named = {stem: raw for raw in reversed(_RAW_WORD.findall(rubric)) for stem in words(raw) if stem in matter}
    return list(named.values()), [raw for stem, raw in reversed(named.items()) if stem not in said]


def _revised(draft: str, rubric: str, documents: Sequence[ContextDocument]) -> Told:
    """Add what the documents say of what is missing. Where they say nothing the draft stays: nothing is made up."""
    _, missing = _named_and_missing(draft, rubric)
    reading = Reading(documents)
    best = [found[0] for word in missing[:MOST_NAMED] if (found := reading.answers_to(word))]
    fresh = {quote.sentence.text: quote for quote in best if quote.sentence.text and quote.sentence.text not in draft}
    quotes = sorted(list(fresh.values())[:MOST_QUOTES], key=lambda quote: quote.order)
    added = "\n".join(f'From {quote.source}: "{quote.sentence.text}"' for quote in quotes)
    return "\n\n".join(part for part in (draft, added) if part), [quote.as_citation() for quote in quotes]


def _planned(task: Planning) -> list[JsonValue]:
    """Plan a chain: every tool that takes one text, then a model over what they found."""
    asks = "llm" in task.kinds and task.max_nodes > 2
    calls = [_call(tool) for tool in task.tools if _one_text(tool) is not None] if "tool" in task.kinds else []
    calls = calls[: max(0, task.max_nodes - 2 - asks)]
    found = "".join(f"\n\n# Result of {call['id']}\n\n{{{{ {call['id']} }}}}" for call in calls)
    answer: JsonObject = {"id": "answer", "type": "llm", "prompt": f"# Input\n\n{{{{ input }}}}{found}"}
    return list(_chained([{"id": "start", "type": "entry"}, *calls, *([answer] if asks else [])]))


def _chained(nodes: Sequence[JsonObject]) -> Iterator[JsonValue]:
    following = [*(str(node["id"]) for node in nodes[1:]), "end"]
    for node, ahead in zip(nodes, following, strict=True):
        yield {**node, "next": ahead}
    yield {"id": "end", "type": "exit"}


def _call(tool: ToolOffer) -> JsonObject:
    name, longest = _one_text(tool) or ("", None)
    text = "text(input)" if longest is None else f"slice(text(input), 0, {longest})"
    node_id = "call_" + re.sub(r"\W+", "_", tool.name, flags=re.ASCII).lower()[:60]
    return {"id": node_id, "type": "tool", "tool": tool.name, "arguments": {name: f"{{{{ {text} }}}}"}}


def _one_text(tool: ToolOffer) -> tuple[str, int | None] | None:
    """Name the one text that a tool must be given, with how long it may be; None where it must be given more."""
    required, properties = tool.schema.get("required"), tool.schema.get("properties")
    if not isinstance(required, list | tuple) or len(required) != 1 or not isinstance(properties, Mapping):
        return None
    name = str(required[0])
    shape = properties.get(name)
    if not isinstance(shape, Mapping) or shape.get("type") != "string" or "enum" in shape:
        return None
    longest = shape.get("maxLength")
    return name, longest if isinstance(longest, int) else None
