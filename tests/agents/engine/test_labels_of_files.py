# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Labels stay with the files that strangers' text went into, and with what a fork changes."""

from dataclasses import dataclass, replace

import pytest

from agents.engine.gate import Occasion
from agents.engine.journeys import Journey
from agents.engine.policies.document import PolicyDocument
from agents.engine.policies.gates import PolicyGate
from agents.engine.tools import ToolSpec
from agents.engine.travel import Past, keep
from agents.engine.view import JournalView
from codexos.kernel.jsontypes import JsonObject, JsonValue
from tests.agents.engine.stage import CountingTool, chain
from tests.agents.engine.test_labels import Own, Page, fetch, own, stage


@dataclass
class Files(CountingTool):
    """Leaves something in the workspace, or runs there; with a host it may reach that."""

    name: str = "Files"
    strangers: bool = True
    content: frozenset[str] = frozenset()

    @property
    def spec(self) -> ToolSpec:
        schema: JsonObject = {"type": "object", "properties": {"text": {"type": "string"}, "host": {"type": "string"}}}
        return ToolSpec(
            self.name,
            "Works on files.",
            schema,
            capabilities=("exec", "egress:*"),
            touches=lambda given: ["exec", *([f"egress:{given['host']}"] if "host" in given else [])],
            content=self.content,
            gives_untrusted=self.strangers,
            takes_files=lambda _given: True,
            keeps_files=True,
        )

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        await super().call({"text": "", **arguments}, on=on)
        return {"text": "well", "workspace": {"snapshot": "0" * 64, "changed": []}}


def work(node_id: str, tool: str = "Files", **arguments: JsonValue) -> JsonObject:
    return {"id": node_id, "type": "tool", "tool": tool, "arguments": arguments}


HOSTS = PolicyGate(PolicyDocument(hosts=("*",)))


@pytest.mark.parametrize(
    ("before", "labels_then"),
    [
        ([fetch(), work("write", "Note", text="{{ page.text }}")], ["tool:WebFetch"]),
        ([work("clone", host="git.example")], ["tool:Files"]),
        ([work("clone", host="git.example"), work("build")], ["tool:Files"]),
        ([fetch(), work("write", "Note", text="of our own")], []),
        ([work("build"), work("again")], []),
    ],
)
async def test_what_strangers_left_in_the_workspace_leads_to_what_leaves_from_there(
    before: list[JsonObject], labels_then: list[str]
) -> None:
    note = Files("Note", strangers=False, content=frozenset({"text"}))
    run = stage(*before, work("send", host="friend.example"), gate=HOSTS, tools=[Page(), Own(), Files(), note])
    standing = await run.run()
    if not labels_then:
        assert standing.status == "succeeded"
        return
    # what only ran inside has not been asked about
    assert (standing.status, standing.data["call"]["labels"]) == ("waiting", labels_then)
    assert [entry.node_id for entry in run.of_type("run.waiting")] == ["send"]


async def test_what_read_strangers_words_leaves_them_in_files_whoever_runs_there() -> None:
    # given what a call with a host said is handed to one without, of the same tool
    first = work("first", host="friend.example")
    run = stage(first, work("next", "Quiet", text="{{ first.text }}"), tools=[Files(), Files("Quiet")])
    await run.run()
    told = {entry.node_id: entry.data.get("file_labels") for entry in run.of_type("step.done")}
    assert told == {"start": None, "first": ["tool:Files"], "next": ["tool:Files"], "end": None}


async def test_a_fork_that_changes_a_result_or_a_variable_keeps_where_it_came_from() -> None:
    # given
    document = {**chain(fetch(set={"seen": "{{ page.text }}"}), own()), "state": {"seen": {"initial": ""}}}
    was = stage(document=document)
    await was.run()
    past = Past(was.graph, was.input, was.journal.entries)
    # when
    changed = keep(Journey("fork", steps={"page": {"text": "mine"}}), past, graph=was.graph, input=was.input)
    said = keep(Journey("fork", start="own", state={"seen": "mine"}), past, graph=was.graph, input=was.input)
    # then
    [told] = [entry.data for entry in changed if entry.node_id == "page"]
    assert (told["result"], told["labels"]) == ({"text": "mine"}, ["tool:WebFetch"])
    entries = [replace(was.journal.entries[0], seq=1), *said]
    view = JournalView.of(was.graph, entries, input=was.input)
    assert view.root.variables["seen"] == "mine"
    assert view.root.variable_labels == {"seen": {"tool:WebFetch"}}
