# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a tool promises, held to by the engine: which calls are made again, what is written down, what it gives."""

import asyncio
import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from agents.engine.errors import ToolCallInvalid
from agents.engine.tools import ToolSpec, check_arguments
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


@pytest.mark.parametrize("arguments", [{"text": [f"Bearer {CANARY}"]}, {"text": "x", "password": CANARY}])
def test_a_wrong_call_is_told_without_secrets(arguments: dict[str, Any]) -> None:
    with pytest.raises(ToolCallInvalid, match="called wrongly") as raised:
        check_arguments(CountingTool().spec, arguments)
    assert CANARY not in str(raised.value)
