# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Before people are asked about a call, its tool may show what it would change: bounded, harmless where it fails."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from agents.engine.executor import Executor
from agents.engine.gate import Decision, ProposedCall
from agents.engine.nodes import tool as calls
from agents.engine.ports import InboxMessage
from codexos.kernel.jsontypes import JsonObject
from tests.agents.engine.stage import CountingTool, Shelf, Stage, chain


class Asking:
    """Asks about everything."""

    def decide(self, call: ProposedCall) -> Decision:
        return Decision("ask", policy="p1")


@dataclass
class ShowingShelf(Shelf):
    """Tools that show what they would do."""

    show: Callable[[], Any] = lambda: None

    async def preview(self, name: str, arguments: JsonObject) -> str | None:
        shown = self.show()
        return await shown if asyncio.iscoroutine(shown) else shown


async def previewed(show: Callable[[], Any]) -> Any:
    box: JsonObject = {"id": "write", "type": "tool", "tool": "Echo", "arguments": {"text": "x"}}
    run = Stage(chain(box), tools=[CountingTool("Echo")], gate=Asking())
    executor = run.executor()
    ports = replace(executor._ports, toolbox=ShowingShelf(run.tools, show))
    standing = await Executor(run.graph, executor._run, ports).advance()
    assert standing.status == "waiting"
    assert run.tools[0].calls == []  # type: ignore[attr-defined]
    return standing.data["call"].get("preview")


def breaks() -> str:
    raise RuntimeError("no disk")


async def hangs() -> str:
    await asyncio.Event().wait()
    return "never"


@pytest.mark.parametrize(
    ("show", "shown"),
    [
        (lambda: "-old\n+new", "-old\n+new"),
        (lambda: "x" * 30_000, "x" * 20_000 + "\n… (there may be more, which is not shown)"),
        (lambda: None, None),
        (lambda: {"no": "text"}, None),
        (breaks, None),
        (hangs, None),
    ],
)
async def test_what_a_call_would_change_is_shown_where_it_can_be(
    show: Callable[[], Any], shown: str | None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(calls, "PREVIEW_SECONDS", 0.05)
    assert await previewed(show) == shown


@pytest.mark.parametrize(("then", "is_called"), [("one commit", True), ("one commit\nand another", False)])
async def test_what_is_done_is_what_whoever_approved_was_shown(then: str, is_called: bool):
    # given
    box: JsonObject = {"id": "push", "type": "tool", "tool": "Echo", "arguments": {"text": "x"}}
    run, shows = Stage(chain(box), tools=[tool := CountingTool("Echo")], gate=Asking()), ["one commit"]
    executor = run.executor()
    ports = replace(executor._ports, toolbox=ShowingShelf(run.tools, lambda: shows[-1]))
    assert (await Executor(run.graph, executor._run, ports).advance()).status == "waiting"
    # when something else comes between the question and the yes
    shows.append(then)
    run.inbox.messages.append(InboxMessage("m1", "decide", "Ada", {"node_id": "push", "decision": "approve"}))
    standing = await Executor(run.graph, replace(executor._run, epoch=executor._run.epoch + 1), ports).advance()
    # then
    assert (standing.status, len(tool.calls)) == (("succeeded", 1) if is_called else ("failed", 0))
    if not is_called:
        assert "since it was approved" in standing.data["error"]["message"]


class Renewed(Asking):
    """A policy that is another once people have decided."""

    verdict = "ask"

    def decide(self, call: ProposedCall) -> Decision:
        return Decision(self.verdict, ["So it is now."], policy=self.verdict)  # type: ignore[arg-type]

    async def renew(self) -> None:
        self.verdict = "deny"


async def test_what_was_asked_about_is_decided_by_the_policy_that_holds_then():
    # given a run that goes on being carried while it asks
    box: JsonObject = {"id": "push", "type": "tool", "tool": "Echo", "arguments": {"text": "x"}}
    run = Stage(chain(box), tools=[tool := CountingTool("Echo")], gate=Renewed())
    executor = run.executor()
    assert (await executor.advance()).status == "waiting"
    # when the policy has changed by the time that somebody approves
    run.inbox.messages.append(InboxMessage("m1", "decide", "Ada", {"node_id": "push", "decision": "approve"}))
    standing = await Executor(run.graph, replace(executor._run, epoch=2), executor._ports).advance()
    # then it is not made
    assert (standing.status, tool.calls) == ("failed", [])
    assert standing.data["error"]["code"] == "tool_denied"
