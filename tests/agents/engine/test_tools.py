# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a tool promises, held to by the engine: which calls are made again, what is written down, what it gives."""

import asyncio
import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from agents.adapters.tools.file_write import FileWrite
from agents.adapters.tools.room import ToolRoom
from agents.engine.errors import ToolCallInvalid
from agents.engine.tools import ToolSpec, check_arguments
from agents.engine.workspaces.diffs import diff_bytes, patch_of
from codexos.kernel.jsontypes import JsonObject
from tests.agents.engine.stage import CountingTool, Stage, chain

CANARY = "canary-7f3a9c51e2"


@dataclass
class Choosy(CountingTool):
    """Honors its key where ``times`` is 2, and gives what it promises where it is not 3."""

    reads_only: bool = False

    @property
    def spec(self) -> ToolSpec:
        promised = {"type": "object", "properties": {"text": {"type": "string", "maxLength": 20}}}
        return replace(super().spec, repeats=lambda arguments: arguments.get("times") == 2, result_schema=promised)


def stage_of(tool: CountingTool, **arguments: Any) -> Stage:
    return Stage(chain({"id": "a", "type": "tool", "tool": tool.name, "arguments": arguments}), tools=[tool])


@pytest.mark.parametrize(("times", "status", "calls"), [(2, "succeeded", 2), (1, "waiting", 1)])
async def test_the_arguments_decide_whether_a_cut_call_is_made_again(times: int, status: str, calls: int) -> None:
    tool = Choosy(kills=True)
    stage = stage_of(tool, text="x", times=times)
    with pytest.raises(asyncio.CancelledError):
        await stage.run()
    assert (await stage.run()).status == status
    assert len(tool.calls) == calls
    assert len({key for _, key in tool.calls}) == 1


def test_what_a_tool_says_of_repeating() -> None:
    said = [spec.repeatable for spec in (CountingTool().spec, Choosy().spec, CountingTool(reads_only=False).spec)]
    assert said == ["always", "some", "never"]


async def test_a_result_that_breaks_its_promise_fails_the_step() -> None:
    standing = await stage_of(Choosy(), text="a text that is too long to be echoed").run()
    assert standing.data["error"]["code"] == "tool_result_invalid"
    assert "'Echo' gave back something else than it promises" in standing.data["error"]["message"]


async def test_an_intent_is_written_down_without_secrets() -> None:
    tool = CountingTool()
    stage = stage_of(tool, text=f"Bearer {CANARY}")
    await stage.run()
    (intended,) = stage.of_type("step.intended")
    assert CANARY not in json.dumps(intended.data)
    assert tool.calls[0][0] == {"text": f"Bearer {CANARY}"}


async def test_who_is_shown_a_call_that_is_cut_is_told_so() -> None:
    stage = stage_of(CountingTool(), text="x" * 20_000 + "; and then something else")
    await stage.run()
    (intended,) = stage.of_type("step.intended")
    assert intended.data["arguments"]["text"].endswith("x… (25 more characters are not shown)")  # type: ignore[index, call-overload, union-attr]


@pytest.mark.parametrize(
    ("before", "after", "labels"),
    [
        (b"", b"new\n", set()),
        (b"", "text\u2028@@ -1,1 of its own\n@@ -1 +1 @@\n".encode(), set()),
        (b"old\n", b"new\n", {"tool:FileWrite"}),
        (b"a stranger's\nold\n", b"a stranger's\nnew\n", {"tool:FileWrite"}),
    ],
)
def test_a_patch_that_shows_what_stood_there_before_is_labeled(before: bytes, after: bytes, labels: set[str]) -> None:
    spec = FileWrite(ToolRoom()).spec
    assert spec.labels_in
    patch = patch_of([diff_bytes("a.txt", before, after)])
    assert spec.labels_in({"path": "a.txt", "diff": patch}) == labels


@pytest.mark.parametrize(
    ("path", "scope", "touched"),
    [
        ("notes.md", "project", ("write",)),
        ("docs/tools/a.py", "project", ("write",)),
        ("tools/word_count.py", "project", ("write", "exec")),
        ("tools/deep/helper.py", "project", ("write", "exec")),
        (" Tools/a.py", "project", ("write", "exec")),
        ("tools/word_count.py", "workspace", ("read",)),
    ],
)
def test_storing_where_a_project_has_its_tools_is_running_code(path: str, scope: str, touched: tuple[str, ...]) -> None:
    arguments: JsonObject = {"path": path, "scope": scope, "text": "x"}
    assert FileWrite(ToolRoom()).spec.capabilities_of(arguments) == touched


@pytest.mark.parametrize("arguments", [{"text": [f"Bearer {CANARY}"]}, {"text": "x", "password": CANARY}])
def test_a_wrong_call_is_told_without_secrets(arguments: dict[str, Any]) -> None:
    with pytest.raises(ToolCallInvalid, match="called wrongly") as raised:
        check_arguments(CountingTool().spec, arguments)
    assert CANARY not in str(raised.value)
