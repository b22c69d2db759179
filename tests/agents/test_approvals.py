# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Questions that runs ask people: who sees them, who answers, with what, and what becomes of a second answer."""

import asyncio
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.test import AsyncClient

from agents.engine.errors import JournalDiverged
from agents.queries.progress import _kept
from tests.agents.test_interventions import accept, call
from tests.agents.test_pinning import chain
from tests.agents.test_runs import working
from tests.agents.test_worker import finished, until
from tests.factories import Someone, World

FORM = {
    "type": "object",
    "properties": {"amount": {"type": "integer", "minimum": 1}, "note": {"type": "string"}},
    "required": ["amount"],
}


def ask(**settings: Any) -> dict[str, Any]:
    return {"id": "ask", "type": "approval", "title": "Pay {{ input }}?", "form": FORM, **settings}


PAYING = chain("paying", ask(), output="{{ ask }}")


async def asking(world: World, truth: psycopg.Connection, document: Any = PAYING) -> UUID:
    """A run that waits for an answer."""
    run_id = await asyncio.to_thread(accept, world.dev, document)
    with working("asks"):
        await until(lambda: truth.execute("select status from agents_run").fetchone() == ("waiting",))
    return run_id


async def get(who: Someone | None, path: str) -> Any:
    headers = {} if who is None else {"Authorization": f"Bearer {who.token}"}
    return await AsyncClient().get(path, headers=headers)


async def decide(who: Someone | None, run_id: UUID, decision: str, **more: Any) -> Any:
    return await call(who, f"/api/v1/runs/{run_id}/decide/", {"node_id": "ask", "decision": decision, **more})


async def carried_on(truth: psycopg.Connection, run_id: UUID) -> None:
    with working("goes on"):
        await finished(truth, run_id)


async def test_a_question_is_listed_answered_with_its_form_and_the_run_goes_on(
    committed_world: World, truth: psycopg.Connection
) -> None:
    # given
    world = committed_world
    run_id = await asking(world, truth)
    (waits,) = (await get(world.dev, f"/api/v1/runs/{run_id}/")).json()["waiting"]
    (listed,) = (await get(world.dev, "/api/v1/approvals/")).json()["results"]
    assert (waits["reason"], waits["title"], waits["form"]) == ("approval", "Pay go?", FORM)
    assert (listed["run_id"], listed["node_id"], listed["may_decide"]) == (str(run_id), "ask", True)
    # when
    decided = await decide(world.dev, run_id, "approve", form={"amount": 3})
    after = (await get(world.dev, "/api/v1/approvals/")).json()["results"]
    await carried_on(truth, run_id)
    # then
    assert (decided.status_code, after) == (202, [])
    output = (await get(world.dev, f"/api/v1/runs/{run_id}/")).json()["result"]["output"]
    assert output == {"decision": "approve", "form": {"amount": 3}, "by": str(world.dev.person)}
    audited = truth.execute("select details ->> 'decision' from accounts_auditevent where action = 'run.step_decided'")
    assert audited.fetchone() == ("approve",)


@pytest.mark.parametrize(
    ("decision", "form", "code"),
    [
        ("approve", None, "form_invalid"),
        ("approve", {"amount": 0}, "form_invalid"),
        ("approve", {"amount": "much"}, "form_invalid"),
        ("reject", {"amount": "much"}, "form_invalid"),
        ("again", None, "decision_misfit"),
    ],
)
async def test_what_does_not_answer_the_question_is_refused(
    committed_world: World, truth: psycopg.Connection, decision: str, form: Any, code: str
) -> None:
    run_id = await asking(committed_world, truth)
    answer = await decide(committed_world.dev, run_id, decision, form=form)
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.json()
    assert answer.json()["errors"]
    assert truth.execute("select count(*) from agents_inboxmessage").fetchone() == (0,)


async def test_a_question_without_a_form_takes_none(committed_world: World, truth: psycopg.Connection) -> None:
    run_id = await asking(committed_world, truth, chain("plain", {"id": "ask", "type": "approval"}))
    refused = await decide(committed_world.dev, run_id, "approve", form={"amount": 1})
    assert (refused.status_code, refused.json()["code"]) == (422, "form_invalid")
    assert (await decide(committed_world.dev, run_id, "reject")).status_code == 202


async def test_the_second_answer_hears_who_gave_the_first(committed_world: World, truth: psycopg.Connection) -> None:
    # given
    world = committed_world
    run_id = await asking(world, truth)
    # when before the run has come to the first answer, and long after
    assert (await decide(world.lead, run_id, "reject")).status_code == 202
    soon = await decide(world.dev, run_id, "approve", form={"amount": 1})
    await carried_on(truth, run_id)
    late = await decide(world.dev, run_id, "approve", form={"amount": 1})
    # then
    for answer in (soon, late):
        assert (answer.status_code, answer.json()["code"]) == (409, "decision_made")
        assert f"{world.lead.person} has decided about step 'ask': reject" in answer.json()["detail"]


async def test_two_windows_at_once_give_one_answer(committed_world: World, truth: psycopg.Connection) -> None:
    run_id = await asking(committed_world, truth)
    answers = await asyncio.gather(
        *(decide(committed_world.dev, run_id, "approve", form={"amount": number}) for number in range(1, 7))
    )
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409, 409, 409]
    assert truth.execute("select count(*) from agents_inboxmessage").fetchone() == (1,)


async def test_an_answer_after_the_time_is_up_is_told_so(committed_world: World, truth: psycopg.Connection) -> None:
    # given a question nobody answers in time, and a flow that goes on without
    late = ask(timeout_seconds=0.2)
    document = chain("late", late)
    document["nodes"][1]["next"] = {"approve": "end", "timeout": "end", "reject": "end"}
    run_id = await asyncio.to_thread(accept, committed_world.dev, document)
    with working():
        await finished(truth, run_id)
    # when
    answer = await decide(committed_world.dev, run_id, "approve", form={"amount": 1})
    # then
    assert (answer.status_code, answer.json()["code"]) == (409, "decision_made")
    assert "Nobody decided in time about step 'ask'" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("who", "status", "listed"),
    [("dev", 202, 1), ("lead", 202, 1), ("admin", 202, 1), ("viewer", 403, 0), ("stranger", 404, 0), (None, 401, None)],
)
async def test_who_may_step_in_decides_where_nobody_is_named(
    committed_world: World, truth: psycopg.Connection, who: str | None, status: int, listed: int | None
) -> None:
    run_id = await asking(committed_world, truth)
    asker = getattr(committed_world, who) if who else None
    found = await get(asker, "/api/v1/approvals/")
    assert (len(found.json()["results"]) if found.status_code == 200 else None) == listed
    assert (await decide(asker, run_id, "reject")).status_code == status


@pytest.mark.parametrize(
    ("deciders", "who", "status"),
    [
        (["viewer"], "viewer", 202),
        (["viewer"], "dev", 403),
        (["Viewer@acme.example"], "viewer", 202),
        (["team_lead", "kim@acme.example"], "admin", 403),
        (["team_lead", "kim@acme.example"], "lead", 202),
        (["mallory@other.example"], "stranger", 404),
    ],
)
async def test_those_who_are_named_decide_and_nobody_else(
    committed_world: World, truth: psycopg.Connection, deciders: list[str], who: str, status: int
) -> None:
    run_id = await asking(committed_world, truth, chain("named", ask(deciders=deciders)))
    asker = getattr(committed_world, who)
    listed = (await get(asker, "/api/v1/approvals/")).json()["results"]
    everything = (await get(asker, "/api/v1/approvals/?which=all")).json()["results"]
    answer = await decide(asker, run_id, "reject")
    assert answer.status_code == status, answer.json()
    assert (len(listed), len(everything)) == (status == 202, status != 404)


async def test_a_token_that_only_reads_does_not_decide(committed_world: World, truth: psycopg.Connection) -> None:
    from accounts.operations.tokens import issue_token
    from accounts.roles import TokenScope

    run_id = await asking(committed_world, truth, chain("named", ask(deciders=["viewer"])))
    token = await asyncio.to_thread(
        issue_token, committed_world.viewer.actor, name="reads", scopes=frozenset({TokenScope.READ})
    )
    answer = await AsyncClient().post(
        f"/api/v1/runs/{run_id}/decide/",
        {"node_id": "ask", "decision": "reject"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {token.value}"},
    )
    assert answer.status_code == 403
    assert truth.execute("select count(*) from agents_inboxmessage").fetchone() == (0,)


async def test_approvals_in_lanes_are_several_questions(committed_world: World, truth: psycopg.Connection) -> None:
    # given
    world = committed_world
    each = {"id": "each", "type": "map", "over": "[1, 2, 3]", "body": chain("body", ask(title="Item {{ item }}?"))}
    run_id = await asking(world, truth, chain("many", each))
    listed = (await get(world.dev, "/api/v1/approvals/")).json()["results"]
    assert [(row["node_id"], row["title"]) for row in listed] == [
        (f"each[{index}]/ask", f"Item {index + 1}?") for index in range(3)
    ]
    # when
    for row in listed:
        body = {"node_id": row["node_id"], "decision": "approve", "form": {"amount": 1}}
        assert (await call(world.dev, f"/api/v1/runs/{run_id}/decide/", body)).status_code == 202
    await carried_on(truth, run_id)
    # then
    assert truth.execute("select status from agents_run").fetchone() == ("succeeded",)


async def test_the_oldest_runs_are_listed_first_and_by_pages(committed_world: World, truth: psycopg.Connection) -> None:
    first = await asking(committed_world, truth)
    second = await asyncio.to_thread(accept, committed_world.dev, PAYING)
    with working():
        await until(
            lambda: truth.execute("select count(*) from agents_run where status = 'waiting'").fetchone() == (2,)
        )
    page = (await get(committed_world.dev, "/api/v1/approvals/?limit=1")).json()
    assert [row["run_id"] for row in page["results"]] == [str(first)]
    onward = (await get(committed_world.dev, page["next"])).json()
    assert [row["run_id"] for row in onward["results"]] == [str(second)]
    assert onward["next"] is None
    back = (await get(committed_world.dev, onward["previous"])).json()
    assert [row["run_id"] for row in back["results"]] == [str(first)]


async def test_a_paused_run_says_so_begins_nothing_and_goes_on_when_it_is_resumed(
    committed_world: World, truth: psycopg.Connection
) -> None:
    # given
    world = committed_world
    run_id = await asyncio.to_thread(accept, world.dev, chain("calm", {"id": "say", "type": "llm", "model": "offline"}))
    # when
    paused = [await call(world.dev, f"/api/v1/runs/{run_id}/pause/") for _ in range(2)]
    with working("pauses"):
        await until(lambda: truth.execute("select status from agents_run").fetchone() == ("waiting",))
    shown = (await get(world.dev, f"/api/v1/runs/{run_id}/")).json()
    # then
    assert [answer.status_code for answer in paused] == [202, 202]
    assert truth.execute("select count(*) from agents_inboxmessage").fetchone() == (1,)
    assert (shown["status"], [wait["reason"] for wait in shown["waiting"]]) == ("waiting", ["paused"])
    assert str(world.dev.person) in shown["waiting"][0]["message"]
    # and when
    resumed = [await call(world.lead, f"/api/v1/runs/{run_id}/resume/") for _ in range(2)]
    await carried_on(truth, run_id)
    late = [await call(world.dev, f"/api/v1/runs/{run_id}/{verb}/") for verb in ("pause", "resume")]
    # then
    assert [answer.status_code for answer in resumed] == [202, 202]
    assert truth.execute("select count(*) from agents_inboxmessage").fetchone() == (2,)
    assert truth.execute("select status from agents_run").fetchone() == ("succeeded",)
    assert [(answer.status_code, answer.json()["code"]) for answer in late] == [(409, "run_finished")] * 2
    audited = truth.execute("select action from accounts_auditevent where action like 'run.%' order by id").fetchall()
    assert audited == [("run.started",), ("run.pause_requested",), ("run.resumed",)]


@pytest.mark.parametrize(
    ("who", "status"), [("viewer", 403), ("stranger", 404), (None, 401), ("lead", 202), ("admin", 202)]
)
@pytest.mark.parametrize("verb", ["pause", "resume"])
async def test_who_may_pause_a_developers_run(
    committed_world: World, truth: psycopg.Connection, verb: str, who: str | None, status: int
) -> None:
    run_id = await asyncio.to_thread(accept, committed_world.dev)
    answer = await call(getattr(committed_world, who) if who else None, f"/api/v1/runs/{run_id}/{verb}/")
    assert answer.status_code == status
    sent = truth.execute("select count(*) from agents_inboxmessage").fetchone()
    assert sent == (1 if status == 202 and verb == "pause" else 0,)


STATEFUL = {
    **chain(
        "stateful",
        {
            "id": "each",
            "type": "map",
            "over": "[1, 2]",
            "max_parallel": 1,
            "body": chain("body", {"id": "say", "type": "llm", "model": "offline"}, ask(), output="{{ item }}"),
        },
    ),
    "state": {"seen": {"initial": 0}},
}
STATEFUL["nodes"][0]["set"] = {"seen": "{{ input }}"}


async def test_the_state_of_a_run_is_seen_while_it_goes_on(committed_world: World, truth: psycopg.Connection) -> None:
    # given a map whose first item waits
    world = committed_world
    run_id = await asking(world, truth, STATEFUL)
    address = f"/api/v1/runs/{run_id}"
    # then its variables, results and spending are there
    state = (await get(world.viewer, f"{address}/state/")).json()
    assert (state["status"], state["variables"], state["results"]) == ("waiting", {"seen": "go"}, {"start": "go"})
    assert [node["node"] for node in state["nodes"]] == ["each"]
    assert state["nodes"][0]["usage"] == state["usage"]
    assert state["usage"]["output_tokens"] > 0
    # and its steps, those of the lane behind those of the flow
    page = (await get(world.viewer, f"{address}/steps/?limit=4")).json()
    more = (await get(world.viewer, page["next"])).json()
    steps = {step["key"]: step for step in [*page["results"], *more["results"]]}
    assert list(steps) == ["start", "each", "end", "each[0]/start", "each[0]/say", "each[0]/ask"]
    assert steps["each"]["lanes"] == {"count": 2, "begun": 1, "ended": 0}
    assert (steps["each"]["state"], steps["end"]["state"]) == ("running", "queued")
    assert (steps["each[0]/ask"]["state"], steps["each[0]/ask"]["waits_for"]["reason"]) == ("waiting", "approval")
    assert (steps["each[0]/ask"]["node"], steps["each[0]/ask"]["lane"]) == ("ask", "each[0]")
    lane = (await get(world.viewer, f"{address}/steps/?lane=each[0]")).json()["results"]
    assert [step["key"] for step in lane] == ["each[0]/start", "each[0]/say", "each[0]/ask"]
    # and each in full
    said = (await get(world.viewer, f"{address}/steps/each[0]/say/")).json()
    assert (said["has_result"], said["sources"], said["attempts"]) == (True, ["each[0]/start"], 1)
    assert said["asked"][0]["model"] == "offline"
    first = (await get(world.viewer, f"{address}/steps/start/")).json()
    assert first["variables"] == {"seen": "go"}
    # and what is not there is not found
    assert (await get(world.viewer, f"{address}/steps/each[7]/say/")).status_code == 404
    assert (await get(world.stranger, f"{address}/state/")).status_code == 404
    assert (await get(world.viewer, f"{address}/steps/?cursor=nonsense")).status_code == 422


async def test_what_was_folded_once_is_not_read_again(committed_world: World, truth: psycopg.Connection) -> None:
    # given
    world = committed_world
    run_id = await asking(world, truth, STATEFUL)
    await get(world.viewer, f"/api/v1/runs/{run_id}/state/")
    progress = _kept.of(run_id)[1][0]
    folded_so_far = progress.view.last_seq
    seen: list[int] = []
    fold = progress.view.fold
    progress.view.fold = lambda entry: (seen.append(entry.seq), fold(entry))[1]  # type: ignore[method-assign]
    # when it goes on
    body = {"node_id": "each[0]/ask", "decision": "approve", "form": {"amount": 1}}
    assert (await call(world.dev, f"/api/v1/runs/{run_id}/decide/", body)).status_code == 202
    asked = "select count(*) from agents_journalentry where type = 'run.waiting'"
    with working("next"):
        await until(lambda: truth.execute(asked).fetchone() == (2,))
        await until(lambda: truth.execute("select status from agents_run").fetchone() == ("waiting",))
    state = (await get(world.viewer, f"/api/v1/runs/{run_id}/state/")).json()
    # then only what was added is folded
    assert seen == list(range(folded_so_far + 1, state["last_seq"] + 1))


async def test_a_journal_that_breaks_off_in_nonsense_stays_readable(
    committed_world: World, truth: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = await asking(committed_world, truth)

    def fold(self: Any, entry: Any) -> None:
        raise JournalDiverged("nonsense")

    monkeypatch.setattr("agents.engine.view.JournalView.fold", fold)
    shown = await get(committed_world.dev, f"/api/v1/runs/{run_id}/")
    assert (shown.status_code, shown.json()["status"]) == (200, "waiting")
    assert len(shown.json()["logs"]) > 3
