# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the audit trail is told of the calls of a run: each that can do something, and looking once a kind."""

from uuid import uuid4

from agents.adapters.standing import Standing
from agents.adapters.trail import RunTrail
from agents.engine.gate import Decision, ProposedCall
from agents.engine.ports import NotedCall
from codexos.kernel.jsontypes import JsonObject

ALLOWED = Decision("allow", [], "p1")


def trail() -> RunTrail:
    return RunTrail(Standing(uuid4(), uuid4(), uuid4(), "Dev"), run_id=uuid4())


def noted(tool: str = "FileRead", *capabilities: str, step: str = "a", decision: Decision = ALLOWED) -> NotedCall:
    return NotedCall("tool.called", step, ProposedCall(tool, {"path": step}, capabilities=capabilities), decision)


def told(deeds: object) -> list[JsonObject]:
    assert isinstance(deeds, list)
    return [deed["details"] for deed in deeds]


def test_a_thousand_looks_are_two_lines_and_none_is_uncounted() -> None:
    # given
    ours = trail()
    ours.note_calls([noted("FileRead", "read", step="first")])
    (first,) = told(ours.take())
    assert (first["tool"], first["step"], first["policy"]) == ("FileRead", "first", "p1")
    # when
    for number in range(999):
        ours.note_calls([noted("FileRead", "read", step=str(number))])
        assert ours.take() == []
    # then
    (more,) = told(ours.take(is_last=True))
    assert (more["tool"], more["times_more"], "step" in more) == ("FileRead", 999, False)
    assert ours.take(is_last=True) == []


def test_looking_otherwise_is_another_line() -> None:
    ours = trail()
    labeled = ProposedCall("FileRead", {}, capabilities=("read",), labels=frozenset({"tool:WebFetch"}))
    ours.note_calls([noted("FileRead", "read"), noted("FileSearch", "read")])
    ours.note_calls([NotedCall("tool.called", "b", labeled, ALLOWED)])
    ours.note_calls([noted("FileRead", "read", decision=Decision("allow", [], "p2"))])
    assert len(ours.take()) == 4


def test_what_can_do_something_is_written_down_each_time() -> None:
    ours = trail()
    asked = Decision("ask", ["It writes."], "p1")
    doing = [noted("FileWrite", "write"), noted("WebFetch", "read", "egress:a.example"), noted("Shell", "exec")]
    opening = ProposedCall("SqlQuery", {}, capabilities=("read",), secrets=("db",))
    paid = ProposedCall("Ask", {}, capabilities=("read",), cost_usd=0.5)
    doing += [NotedCall("tool.called", "s", opening, ALLOWED), NotedCall("tool.called", "p", paid, ALLOWED)]
    doing.append(NotedCall("tool.called", "q", ProposedCall("FileRead", {}), asked, "hash"))
    doing.append(NotedCall("tool.denied", "d", ProposedCall("FileRead", {}), Decision("deny", ["No."], "p1")))
    ours.note_calls([*doing, *doing])
    assert len(ours.take(is_last=True)) == 2 * len(doing)
