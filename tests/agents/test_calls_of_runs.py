# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Calls of tools in the product: what the trail says of each, who approves, and what hostile answers come to."""

import asyncio
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.test import AsyncClient

from accounts.operations.members import admit
from accounts.operations.preferences import change_preferences
from accounts.roles import Role
from accounts.tenancy import tenant
from agents.engine.gate import Approvers, Decision, ProposedCall
from agents.engine.policies.gates import PolicyGate
from agents.models import Run
from agents.operations.travel import Change, fork_run
from agents.workers.asking import mail_questions
from agents.workers.loading import load_runs
from tests.agents.test_interventions import accept, call
from tests.agents.test_pinning import chain
from tests.agents.test_runs import working
from tests.agents.test_triggers import flow_of
from tests.agents.test_webhooks import hook_of
from tests.agents.test_worker import finished, until
from tests.factories import Someone, World, make_person
from tests.fakes.outside import Outside

EVENTS = "select action, actor_kind, about_id, details from accounts_auditevent where action like 'tool.%' order by id"


class Ruling:
    """What the policy says in a test: of every call the same."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.decision = Decision("ask", ["It writes."], "p1")
        monkeypatch.setattr(PolicyGate, "decide", lambda gate, proposed: self.decide(proposed))

    def decide(self, proposed: ProposedCall) -> Decision:
        return self.decision

    def asks(self, *, policy: str = "p1", **approvers: Any) -> None:
        self.decision = Decision("ask", ["It writes."], policy, Approvers(**approvers))


@pytest.fixture
def ruling(monkeypatch: pytest.MonkeyPatch) -> Ruling:
    return Ruling(monkeypatch)


@pytest.fixture
def outside(settings: Any) -> Any:
    with Outside() as server:
        settings.EGRESS_ALLOW = server.place
        yield server


def ordering(outside: Outside, text: str = "one") -> dict[str, Any]:
    arguments = {"method": "POST", "url": f"{outside.url}/orders", "json": {"text": text}, "idempotent": True}
    return chain("ordering", {"id": "ask", "type": "tool", "tool": "HTTPRequest", "arguments": arguments})


async def asking(who: Someone, truth: psycopg.Connection, document: Any) -> UUID:
    run_id = await asyncio.to_thread(accept, who, document)
    await asked(truth, run_id)
    return run_id


async def asked(truth: psycopg.Connection, run_id: UUID) -> None:
    status = "select status, has_post from agents_run where id = %s"
    with working("asks"):
        await until(lambda: truth.execute(status, [run_id]).fetchone() == ("waiting", False))


async def listed(who: Someone, which: str = "mine") -> list[dict[str, Any]]:
    answer = await AsyncClient().get(
        f"/api/v1/approvals/?which={which}", headers={"Authorization": f"Bearer {who.token}"}
    )
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


async def answer(who: Someone | None, question: dict[str, Any], what: str = "approve", **more: Any) -> Any:
    return await call(who, f"/api/v1/approvals/{question['id']}/{what}/", {"hash": question["hash"], **more})


async def carried(truth: psycopg.Connection, run_id: UUID) -> str:
    with working("goes on"):
        await finished(truth, run_id)
    row = truth.execute("select status from agents_run where id = %s", [run_id]).fetchone()
    assert row is not None
    return str(row[0])


async def test_each_call_stands_in_the_trail_before_it_is_made_and_no_argument_does(
    committed_world: World, truth: psycopg.Connection, ruling: Ruling, outside: Outside
) -> None:
    # given
    world = committed_world
    run_id = await asking(world.dev, truth, ordering(outside, "nobody's business"))
    (question,) = await listed(world.dev)
    assert question["call"]["arguments"]["json"] == {"text": "nobody's business"}
    assert (question["call"]["reasons"], question["risk"]) == (["It writes."], "medium")
    assert question["call"]["hosts"]
    assert outside.orders == {}
    # when
    decided = await answer(world.dev, question, note="Go ahead.")
    assert decided.status_code == 202, decided.json()
    assert await carried(truth, run_id) == "succeeded"
    # then
    assert list(outside.orders.values()) == [{"text": "nobody's business"}]
    (first, second) = truth.execute(EVENTS).fetchall()
    assert [first[:3], second[:3]] == [
        ("tool.asked", "run", str(run_id)),
        ("tool.called", "run", str(run_id)),
    ]
    assert first[3]["hash"] == second[3]["hash"] == question["hash"]
    assert (second[3]["tool"], second[3]["verdict"], second[3]["policy"]) == ("HTTPRequest", "ask", "p1")
    ((said,),) = truth.execute("select string_agg(details::text, '') from accounts_auditevent").fetchall()
    assert "nobody's business" not in said
    ((hash_,),) = truth.execute(
        "select details ->> 'hash' from accounts_auditevent where action = 'run.step_decided'"
    ).fetchall()
    assert hash_ == question["hash"]


async def test_what_is_denied_stands_in_the_trail_and_is_not_made(
    committed_world: World, truth: psycopg.Connection, ruling: Ruling, outside: Outside
) -> None:
    ruling.decision = Decision("deny", ["Not on Sundays."], "p1")
    run_id = await asyncio.to_thread(accept, committed_world.dev, ordering(outside))
    assert (await carried(truth, run_id), outside.orders) == ("failed", {})
    assert [row[0] for row in truth.execute(EVENTS)] == ["tool.denied"]


async def test_a_call_whose_entry_of_the_trail_cannot_be_written_is_not_made(
    committed_world: World,
    truth: psycopg.Connection,
    ruling: Ruling,
    outside: Outside,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # given
    ruling.decision = Decision("allow", policy="p1")
    truth.execute("alter table accounts_auditevent add constraint no_calls check (action <> 'tool.called') not valid")
    await asyncio.to_thread(accept, committed_world.dev, ordering(outside))
    # when
    try:
        with working("writes nothing"):
            await until(lambda: "is let go" in caplog.text)
    finally:
        truth.execute("alter table accounts_auditevent drop constraint no_calls")
    # then neither stands, and nothing was sent
    intended = "select count(*) from agents_journalentry where type = 'step.intended'"
    assert (truth.execute(intended).fetchone(), outside.orders) == ((0,), {})


async def test_who_may_answer_is_who_may_step_in_and_nobody_elses_question_is_there(
    committed_world: World, truth: psycopg.Connection, ruling: Ruling, outside: Outside
) -> None:
    world = committed_world
    await asking(world.dev, truth, ordering(outside))
    (question,) = await listed(world.dev)
    for who, status in ((None, 401), (world.stranger, 404), (world.viewer, 403)):
        refused = await answer(who, question)
        assert refused.status_code == status, (who, refused.json())
    nonsense = await call(world.dev, "/api/v1/approvals/nonsense/approve/")
    assert (nonsense.status_code, nonsense.json()["code"]) == (404, "approval_not_found")
    assert truth.execute("select count(*) from agents_inboxmessage").fetchone() == (0,)


async def test_who_asked_for_a_run_may_not_approve_where_the_policy_says_so(
    committed_world: World, truth: psycopg.Connection, ruling: Ruling, outside: Outside
) -> None:
    world = committed_world
    ruling.asks(not_requester=True)
    run_id = await asking(world.dev, truth, ordering(outside))
    assert await listed(world.dev) == []
    (question,) = await listed(world.dev, "all")
    assert (await answer(world.dev, question)).status_code == 403
    assert (await answer(world.lead, question)).status_code == 202
    assert (await carried(truth, run_id), len(outside.orders)) == ("succeeded", 1)


async def test_two_people_approve_and_the_second_is_another(
    committed_world: World, truth: psycopg.Connection, ruling: Ruling, outside: Outside
) -> None:
    # given
    world = committed_world
    ruling.asks(people=2)
    run_id = await asking(world.dev, truth, ordering(outside))
    (question,) = await listed(world.dev)
    # when one approves, twice, before and after the run has heard of it
    assert (await answer(world.dev, question)).status_code == 202
    again = await answer(world.dev, question)
    assert (again.status_code, again.json()["code"]) == (409, "approved_already")
    await asked(truth, run_id)
    assert (await answer(world.dev, question)).status_code == 409
    assert (await listed(world.dev), outside.orders) == ([], {})
    (seen,) = await listed(world.lead)
    assert (seen["people"], seen["approved_by"]) == (2, [str(world.dev.person)])
    # then
    assert (await answer(world.lead, seen)).status_code == 202
    assert (await carried(truth, run_id), len(outside.orders)) == ("succeeded", 1)


async def test_of_two_approvers_at_once_the_first_counts_and_the_other_changes_nothing(
    committed_world: World, truth: psycopg.Connection, ruling: Ruling, outside: Outside
) -> None:
    world = committed_world
    run_id = await asking(world.dev, truth, ordering(outside))
    (question,) = await listed(world.dev)
    shown = question["call"]["arguments"]
    edited = {**shown, "json": {"text": "two"}}
    both = await asyncio.gather(answer(world.dev, question, arguments=edited), answer(world.lead, question))
    assert sorted(each.status_code for each in both) == [202, 409]
    assert await carried(truth, run_id) == "succeeded"
    assert len(outside.orders) == 1


async def test_edited_arguments_are_checked_here_and_sent_as_they_are(
    committed_world: World, truth: psycopg.Connection, ruling: Ruling, outside: Outside
) -> None:
    world = committed_world
    run_id = await asking(world.dev, truth, ordering(outside))
    (question,) = await listed(world.dev)
    shown = question["call"]["arguments"]
    for wrong in ({"arguments": {**shown, "method": "SHOUT"}}, {"arguments": shown, "for_run": True}):
        refused = await answer(world.dev, question, **wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "call_misfit"), refused.json()
    asking_still = ruling.decision
    ruling.decision = Decision("deny", ["No twos."], "p1")
    refused = await answer(world.dev, question, arguments={**shown, "json": {"text": "two"}})
    assert (refused.status_code, "No twos." in refused.json()["detail"]) == (422, True)
    ruling.decision = asking_still
    assert (await answer(world.dev, question, arguments={**shown, "json": {"text": "two"}})).status_code == 202
    assert await carried(truth, run_id) == "succeeded"
    assert list(outside.orders.values()) == [{"text": "two"}]


async def test_an_old_question_answers_nothing_once_the_policy_has_changed(
    committed_world: World, truth: psycopg.Connection, ruling: Ruling, outside: Outside
) -> None:
    # given
    world = committed_world
    run_id = await asking(world.dev, truth, ordering(outside))
    (old,) = await listed(world.dev)
    assert (await answer(world.dev, old)).status_code == 202
    # when
    ruling.asks(policy="p2")
    await asked(truth, run_id)
    # then
    (new,) = await listed(world.dev)
    assert (new["id"] != old["id"], new["call"]["again"], outside.orders) == (True, "policy", {})
    late = await answer(world.dev, old)
    assert (late.status_code, late.json()["code"]) == (409, "call_changed")
    by_the_other_door = {"node_id": "ask", "decision": "approve", "hash": old["hash"]}
    late = await call(world.dev, f"/api/v1/runs/{run_id}/decide/", by_the_other_door)
    assert (late.status_code, late.json()["code"]) == (409, "call_changed")
    assert (await answer(world.dev, new, what="reject", note="No more.")).status_code == 202
    assert (await carried(truth, run_id), outside.orders) == ("failed", {})
    over = await answer(world.dev, new)
    assert (over.status_code, over.json()["code"]) == (409, "decision_made")


async def test_whose_words_a_webhook_brought_is_known_to_its_run_and_to_those_that_go_on_from_it(
    committed_world: World, truth: psycopg.Connection
) -> None:
    world = committed_world
    flow = await asyncio.to_thread(flow_of, world.lead, world.project)
    _, caller = await asyncio.to_thread(hook_of, world.dev, flow)
    run_id = UUID((await asyncio.to_thread(caller.send)).json()["run_id"])
    await carried(truth, run_id)
    same = await asyncio.to_thread(fork_run, world.dev.actor, run_id, change=Change(steps={"start": 1}))
    other = await asyncio.to_thread(fork_run, world.dev.actor, run_id, change=Change(input={"n": 2}, has_input=True))

    def loaded() -> list[Any]:
        found = load_runs({world.acme.pk: [run_id, same.id, other.id]})
        with tenant(world.acme.pk):
            assert Run.objects.for_organization(world.acme.pk).count() == 3
        return [found[each].labels for each in (run_id, same.id, other.id)]

    assert await asyncio.to_thread(loaded) == [{"webhook:Pushed"}, {"webhook:Pushed"}, set()]


async def test_who_may_decide_is_written_to_once_without_what_is_sent(
    committed_world: World,
    truth: psycopg.Connection,
    ruling: Ruling,
    outside: Outside,
    mailoutbox: list[Any],
) -> None:
    world = committed_world
    run_id = await asking(world.dev, truth, ordering(outside, "nobody's business"))
    mailed = [await asyncio.to_thread(mail_questions, world.acme.pk, run_id) for _ in range(2)]
    assert mailed == [1, 0]
    (letter,) = mailoutbox
    (question,) = await listed(world.dev)
    assert (letter.to, "HTTPRequest" in letter.subject) == ([world.dev.person.email], True)
    assert f"/approvals/?open={question['id']}" in letter.body
    assert "nobody's business" not in letter.body
    # where somebody else has to, these are written to
    ruling.asks(policy="p2", not_requester=True)
    await answer(world.dev, question)
    await asked(truth, run_id)
    assert await asyncio.to_thread(mail_questions, world.acme.pk, run_id) >= 2
    assert {to for each in mailoutbox[1:] for to in each.to} >= {world.lead.person.email, world.admin.person.email}
    assert all(each.to != [world.dev.person.email] for each in mailoutbox[1:])


async def test_all_who_may_decide_are_written_to_at_once_but_who_wants_none(
    committed_world: World,
    truth: psycopg.Connection,
    ruling: Ruling,
    outside: Outside,
    mailoutbox: list[Any],
    django_assert_max_num_queries: Any,
) -> None:
    # given a question to every lead, of whom there are many, and one who wants no mail
    world = committed_world
    ruling.asks(deciders=("team_lead", world.viewer.person.email))

    def many() -> list[str]:
        people = [make_person(f"lead{number}@acme.example") for number in range(60)]
        for person in people:
            admit(person, organization_id=world.acme.id, role=Role.TEAM_LEAD, team_ids=[world.team.id])
        change_preferences(people[0], wants_question_mail=False)
        return [person.email for person in people[1:]]

    wanted = await asyncio.to_thread(many)
    run_id = await asking(world.dev, truth, ordering(outside))

    def mail() -> int:
        with django_assert_max_num_queries(25):
            return mail_questions(world.acme.pk, run_id)

    # when, then
    assert await asyncio.to_thread(mail) == len(mailoutbox)
    others = {world.lead.person.email, world.viewer.person.email}
    assert {to for each in mailoutbox for to in each.to} == {*wanted, *others}


async def test_whoever_approves_too_late_is_told_so_and_nothing_is_sent(
    committed_world: World, truth: psycopg.Connection, ruling: Ruling, outside: Outside
) -> None:
    ruling.asks(expires_seconds=2)
    run_id = await asking(committed_world.dev, truth, ordering(outside))
    (question,) = await listed(committed_world.dev)
    assert await carried(truth, run_id) == "failed"
    late = await answer(committed_world.dev, question)
    assert (late.status_code, late.json()["code"], outside.orders) == (409, "decision_made", {})
