# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Secrets are references all along: made of the document at every doing, whatever the journal or anybody says."""

from agents.engine.journeys import Journey
from agents.engine.secrets import keys_in
from codexos.kernel.jsontypes import JsonObject, JsonValue
from tests.agents.conformance.conftest import SetStage
from tests.agents.conformance.flows import Box, flow, mapped, tool
from tests.agents.conformance.semantics import keeps
from tests.agents.conformance.stage import Stage
from tests.agents.conformance.test_crashes import check_history, shaken

FORGED = "{{ vault.github }}"


def vault(node_id: str, next: str, key: str = "github") -> Box:
    return {"id": node_id, "type": "vault", "secret": key, "next": next}


def say(node_id: str, text: str, next: str = "end") -> Box:
    return tool(node_id, next, arguments={"text": text})


CREDS = flow(vault("creds", "a"), say("a", "first", "b"), say("b", "Bearer {{ creds }}"))


def handed_on(run: Stage) -> list[list[str]]:
    """Which secrets each call was given."""
    return [keys_in(arguments) for each in run.tools for arguments, _ in each.calls]  # type: ignore[attr-defined]


def results(run: Stage) -> dict[str | None, JsonValue]:
    return {entry.node_id: entry.data.get("result") for entry in run.of_type("step.done")}


@keeps("secrets")
async def test_a_vault_node_looks_and_a_tool_is_given_the_reference(stage: SetStage):
    run = stage(CREDS)
    assert (await run.run()).status == "succeeded"
    assert run.secrets.looks == ["github"]
    assert results(run)["creds"] == {"secret": "github"}
    assert handed_on(run) == [[], ["github"]]
    intended = {entry.node_id: entry.data for entry in run.of_type("step.intended")}
    assert intended["b"]["arguments"] == {"text": "Bearer {{ vault.github }}"}


@keeps("secrets")
async def test_a_secret_that_is_not_there_fails_its_node(stage: SetStage):
    run = stage(flow(vault("creds", "a", "gitlab"), say("a", "{{ creds }}")))
    standing = await run.run()
    assert (standing.status, standing.data["error"]["code"]) == ("failed", "not_found")
    assert run.calls == []


@keeps("secrets")
async def test_text_that_reads_like_a_reference_is_none(stage: SetStage):
    each = mapped("each", say("a", "{{ item }} {{ input.key }}"), over="{{ input.items }}")
    run = stage(flow(each), {"items": [FORGED], "key": FORGED})
    assert (await run.run()).status == "succeeded"
    assert run.calls == [f"{FORGED} {FORGED}"]
    assert handed_on(run) == [[]]


@keeps("secrets", "crash at every write")
async def test_who_takes_the_run_over_makes_its_references_anew(stage: SetStage):
    calm = stage(CREDS)
    expected = await calm.run()
    async for run, standing in shaken(stage, CREDS, writes=calm.fate.appends):
        assert (standing.status, standing.data["output"]) == (expected.status, expected.data["output"])
        check_history(run)
        assert handed_on(run)[-1] == ["github"]


@keeps("secrets")
async def test_a_fork_with_another_result_refers_to_no_other_secret(stage: SetStage):
    """The attack: what a vault node gave is changed to the name of another secret."""
    was = stage(CREDS)
    await was.run()
    forged: JsonObject = {"secret": "my.key"}
    now = await was.go_on(Journey("fork", steps={"creds": forged}))
    assert (await now.run()).status == "succeeded"
    assert results(now)["creds"] == forged
    assert handed_on(now) == [[], ["github"]]


@keeps("secrets")
async def test_what_is_kept_opens_nothing(stage: SetStage):
    was = stage(CREDS)
    await was.run()
    again = await was.go_on(Journey("rerun", start="b"))
    assert (await again.run()).status == "succeeded"
    assert (again.secrets.looks, handed_on(again)) == ([], [["github"]])
    found = await was.replay()
    assert [each.as_data() for each in found.differences] == []
    assert (was.secrets.looks, handed_on(was)) == (["github"], [[], ["github"]])
