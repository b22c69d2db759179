# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Questions to people: which ways are drawn for their answers, and what follows where none is."""

import pytest

from accounts.roles import Role
from agents.engine.documents import check_flow
from agents.engine.nodes.approval import ROLES
from agents.engine.ports import InboxMessage
from codexos.kernel.jsontypes import JsonObject, JsonValue
from tests.agents.engine.stage import Stage, chain


def asking(**more: JsonValue) -> JsonObject:
    drawn = chain({"id": "ask", "type": "approval", "title": "May I?"})
    drawn["nodes"][1] |= more
    return drawn


def answer(decision: str) -> InboxMessage:
    return InboxMessage("m1", "decide", "Ada", {"node_id": "ask", "decision": decision, "form": {"why": "so"}})


@pytest.mark.parametrize(("decision", "status"), [("approve", "succeeded"), ("reject", "failed")])
async def test_a_plain_way_on_is_for_those_who_approve(decision: str, status: str):
    # given
    stage = Stage(asking(), input="it")
    waiting = await stage.run()
    assert (waiting.status, waiting.data["title"], waiting.data["show"]) == ("waiting", "May I?", "it")
    # when
    stage.inbox.messages.append(answer(decision))
    standing = await stage.run()
    # then
    assert standing.status == status
    if status == "failed":
        assert standing.data["error"]["code"] == "rejected"
    else:
        assert standing.data["output"] == {"decision": "approve", "form": {"why": "so"}, "by": "Ada"}


def told(document: JsonObject, severity: str = "error") -> str:
    return " ".join(problem.message for problem in check_flow(document) if problem.severity == severity)


def test_a_way_that_no_answer_takes_is_told():
    assert "Did you mean 'approve'?" in told(asking(next={"aprove": "end"}))
    assert "leads nowhere when people approve" in told(asking(next={"reject": "end"}))
    assert "'timeout_seconds'" in told(asking(next={"approve": "end", "timeout": "end"}), "warning")
    assert told(asking(next={"approve": "end", "else": "end"})) == ""


def test_who_decides_is_a_role_or_an_address():
    assert "'zzz', which is no address" in told(asking(deciders=["kim@example.com", "zzz"]))
    assert told(asking(deciders=["kim@example.com", "team_lead"])) == ""
    assert set(ROLES) == {role.value for role in Role}
