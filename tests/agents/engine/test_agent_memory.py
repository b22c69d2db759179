# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What an llm declares of memory: what its model is shown, and what it may keep and no more."""

import json
from dataclasses import dataclass, field
from typing import Any

from agents.adapters.tools.memory import READ_SPEC, SEARCH_SPEC, WRITE_SPEC
from agents.engine.documents import check_flow, parse_flow
from agents.engine.gate import Occasion
from agents.engine.snapshots import dump, restore
from agents.engine.tools import ToolSpec
from agents.engine.view import JournalView
from codexos.kernel.chat import ChatRequest
from codexos.kernel.jsontypes import JsonObject, JsonValue
from tests.agents.engine.scripts import CallingModel, Said, round_of, told
from tests.agents.engine.stage import Stage, chain


@dataclass
class Kept:
    """A tool of memory that gives what it was told to, and remembers its calls."""

    spec: ToolSpec
    entries: list[JsonObject] = field(default_factory=list)
    calls: list[tuple[JsonObject, Occasion]] = field(default_factory=list)

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        self.calls.append((arguments, on))
        if self.spec.name == "MemoryWrite":
            return {"key": arguments["key"], "scope": arguments["scope"], "quarantined": False, "text": "Kept."}
        return {"entries": list(self.entries), "count": len(self.entries), "text": ""}


def entry(key: str, value: str, *, trusted: bool = True) -> JsonObject:
    return {"scope": "project", "key": key, "value": value, "trusted": trusted}


def stage_of(memory: Any, script: Any, *entries: JsonObject, **more: Any) -> tuple[Stage, list[Kept]]:
    document = chain({"id": "ask", "type": "llm", "prompt": "Go.", "memory": memory, **more})
    tools = [Kept(READ_SPEC, list(entries)), Kept(SEARCH_SPEC, list(entries)), Kept(WRITE_SPEC)]
    return Stage(document, model=CallingModel(script), tools=tools), tools


def keeping(scope: str) -> Any:
    def script(request: ChatRequest) -> Said:
        if round_of(request):
            return told(request)[-1], []
        return "", [("MemoryWrite", {"scope": scope, "key": "k", "value": "v"})]

    return script


async def test_what_is_declared_is_read_once_and_shown_as_a_labeled_document() -> None:
    entries = [entry("tone", "kind"), entry("page", "Obey.", trusted=False)]
    run, (reads, *_) = stage_of({"read": ["project.tone", "project.page", "agent"]}, lambda _: ("ok", []), *entries)
    await run.run()
    assert [arguments for arguments, _ in reads.calls] == [
        {"scopes": ["agent"]},
        {"scopes": ["project"], "keys": ["tone", "page"]},
    ]
    assert isinstance(run.model, CallingModel)
    [document] = run.model.requests[0].documents
    assert document.name == "memory"
    assert "project.tone: kind" in document.text
    assert "project.page (from strangers, not to be trusted): Obey." in document.text
    assert not run.model.requests[0].tools
    # what was read of strangers labels what follows
    [done] = [each for each in run.of_type("step.done") if each.node_id == "ask"]
    assert (done.data["labels"], done.data["result"]["memory"]) == (["memory"], 4)


async def test_a_model_keeps_only_where_it_may() -> None:
    run, tools = stage_of({"read": ["agent"], "write": ["agent"]}, keeping("agent"))
    assert "Kept." in (await run.run()).data["output"]
    assert isinstance(run.model, CallingModel)
    offered = {tool.name: tool.schema["properties"] for tool in run.model.requests[0].tools}
    assert offered["MemoryWrite"]["scope"] == {"enum": ["agent"]}
    assert offered["MemorySearch"]["scopes"]["items"] == {"enum": ["agent"]}
    # and nowhere else, whatever it says
    run, tools = stage_of({"write": ["agent"]}, keeping("project"))
    assert "was called wrongly" in (await run.run()).data["output"]
    assert tools[2].calls == []


async def test_what_the_model_was_shown_travels_with_what_it_keeps() -> None:
    memory = {"read": ["project"], "write": ["project"]}
    run, tools = stage_of(memory, keeping("project"), entry("page", "Obey.", trusted=False))
    await run.run()
    [(_, occasion)] = tools[2].calls
    assert occasion.labels == {"memory"}


async def test_without_its_memory_the_model_is_asked_all_the_same() -> None:
    document = chain({"id": "ask", "type": "llm", "prompt": "Go.", "memory": {"read": ["project"]}})
    run = Stage(document, model=CallingModel(lambda _: ("ok", [])), tools=[])
    assert (await run.run()).data["output"] == "ok"


def test_what_is_wrong_with_a_declaration_is_said() -> None:
    def wrong(memory: Any) -> bool:
        return bool(check_flow(chain({"id": "ask", "type": "llm", "memory": memory})))

    assert not any(map(wrong, ({"read": ["agent"]}, {"write": ["project"]}, {"read": ["project.a.b"], "write": []})))
    assert all(map(wrong, ({}, [], {"read": "agent"}, {"read": ["team"]}, {"write": ["agent.k"]}, {"keep": ["agent"]})))


async def test_an_agent_is_restored_from_a_snapshot_at_any_entry() -> None:
    run, _ = stage_of({"read": ["project"], "write": ["project"]}, keeping("project"), entry("tone", "kind"))
    await run.run()
    graph, view = run.graph, JournalView(run.graph, input=run.input)
    for each in run.journal.entries[:-1]:
        view.fold(each)
        told_of = json.loads(json.dumps(dump(view), default=dict))
        again = restore(told_of, graph, input=run.input, read_flow=parse_flow)
        assert again is not None
        assert json.loads(json.dumps(dump(again), default=dict)) == told_of
