# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The flow that is killed: twelve nodes of every kind, whose outside is a server that counts."""

from typing import Any

Box = dict[str, Any]

MODEL = "said"
ORDER = "order"
"""The one step that may not be repeated: its call is a POST."""

ANY = "any"
"""The name of every point at which one may die."""

KEYS = {
    **{name: name for name in ("left", "draft", "rare", ORDER, "last")},
    **{f"item{index}": f"each[{index}]/fetch" for index in range(3)},
    **{f"round{round}": f"again[{round - 1}]/turn" for round in (1, 2)},
    **{name: f"sub[0]/{name}" for name in ("word", "inner")},
}
"""What the server is asked for, and the key of the step that asks for it."""

QUESTION = "ask"
"""The step that asks people."""
FORM = {"amount": 7}
"""What they answer with."""


def answer_to(what: str) -> Box:
    """What the server answers a tool."""
    return {"said": f"answer to {what}"}


def words_to(what: str) -> list[str]:
    """What the server answers for a model, piece by piece."""
    return ["some ", "words ", f"about {what}"]


def document() -> Box:
    """The flow. Its input holds the address of the server and the name that it is to count this run under."""
    return {
        "id": "twelve",
        "nodes": [
            {"id": "start", "type": "entry", "next": ["left", "draft", "each"]},
            get("left", next="pick"),
            llm("draft", next=ORDER),
            {"id": "each", "type": "map", "over": [0, 1, 2], "max_parallel": 2, "body": _items(), "next": ORDER},
            {
                "id": "pick",
                "type": "condition",
                "expression": "left.json.said",
                "next": {"answer to left": "again", "else": "rare"},
            },
            get("rare", next=ORDER),
            {"id": "again", "type": "loop", "until": "{{ round == 2 }}", "body": _rounds(), "next": ORDER},
            {**get(ORDER, next="sub"), "arguments": {**_called(ORDER), "method": "POST", "json": "{{ again }}"}},
            {"id": "sub", "type": "subflow", "flow": "inner", "input": "{{ input }}", "next": QUESTION},
            {"id": QUESTION, "type": "approval", "next": {"approve": "last", "reject": "end"}},
            get("last", next="end"),
            {"id": "end", "type": "exit", "output": _OUTPUT},
        ],
    }


def library() -> Box:
    """The flow that it does as a sub-flow, pinned."""
    nodes = [
        {"id": "start", "type": "entry", "next": "word"},
        llm("word", next="inner"),
        get("inner", next="end"),
        {"id": "end", "type": "exit", "output": "{{ word.text }}, {{ inner.json.said }}"},
    ]
    return {"inner": {"document": {"id": "inner", "nodes": nodes}, "version": 1}}


def get(name: str, **more: Any) -> Box:
    """A call of a tool that reads."""
    return {"id": name, "type": "tool", "tool": "HTTPRequest", "arguments": _called(name), **more}


def llm(name: str, **more: Any) -> Box:
    """A question to the model."""
    return {"id": name, "type": "llm", "model": MODEL, "prompt": f"{{{{ input.label }}}}/{name}", **more}


def _called(name: str) -> Box:
    return {"url": f"{{{{ input.url }}}}/{{{{ input.label }}}}/{name}"}


def _items() -> Box:
    fetch = {**get("fetch", next="end"), "arguments": _called("item{{ index }}")}
    return {"nodes": [{"id": "in", "type": "entry", "next": "fetch"}, fetch, _out("fetch")]}


def _rounds() -> Box:
    turn = {**get("turn", next="end"), "arguments": _called("round{{ round }}")}
    return {"nodes": [{"id": "in", "type": "entry", "next": "turn"}, turn, _out("turn")]}


def _out(name: str) -> Box:
    return {"id": "end", "type": "exit", "output": f"{{{{ {name}.json.said }}}}"}


_OUTPUT = {
    "left": "{{ left.json.said }}",
    "draft": "{{ draft.text }}",
    "each": "{{ each }}",
    "again": "{{ again }}",
    ORDER: f"{{{{ {ORDER}.json.said }}}}",
    "sub": "{{ sub }}",
    "answer": f"{{{{ {QUESTION}.decision }}}} {{{{ {QUESTION}.form.amount }}}}",
    "last": "{{ last.json.said }}",
}

EXPECTED = {
    "left": "answer to left",
    "draft": "some words about draft",
    "each": ["answer to item0", "answer to item1", "answer to item2"],
    "again": "answer to round2",
    ORDER: "answer to order",
    "sub": "some words about word, answer to inner",
    "answer": "approve 7",
    "last": "answer to last",
}
"""What it comes to, written down by hand."""
