# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Going on from runs, and what starts them by itself, typed against the real product."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.conftest import Served
from tests.cli.shell import Shell
from tests.factories import Someone
from tests.fakes.run_server import RUN_ID, TOKEN, serve_run

COUNTING: dict[str, Any] = {
    "id": "counting",
    "state": {"count": {"initial": 1}},
    "nodes": [
        {"id": "start", "type": "entry", "next": "ask"},
        {"id": "ask", "type": "llm", "model": "offline", "prompt": "Say {{ input }}", "next": "end"},
        {"id": "end", "type": "exit", "output": "{{ state.count }}: {{ ask.text }}"},
    ],
}
NOWHERE = "00000000-0000-7000-8000-000000000000"
Opened = Callable[[Someone], Shell]


@pytest.fixture
def dev(served: Served, shell_of: Opened) -> Shell:
    """A developer's shell, with a published flow that counts."""
    shell = shell_of(served.world.dev)
    shell.write("flow.json", json.dumps(COUNTING))
    pushed = shell.type("flows", "push", "flow.json", "--publish")
    assert pushed.code == 0, pushed.err
    return shell


def started(shell: Shell) -> str:
    said = shell.type("run", "counting", "-i", "hello", "--json")
    assert said.code == 0, said.err
    return str(said.json["id"])


def test_a_run_is_gone_on_from(dev: Shell) -> None:
    run_id = started(dev)
    again = dev.type("rerun", run_id, "--from", "ask", "--follow")
    assert again.code == 0, again.err
    assert again.out.startswith("1: ")
    assert "[ask]" in again.err
    other = dev.type("fork", run_id, "--result", 'ask={"text": "twelve"}', "--set", "count=5")
    assert (other.code, other.out) == (0, "5: twelve\n"), other.err
    anew = dev.type("fork", run_id, "--input", "goodbye", "--json").json
    assert (anew["parent_id"], anew["origin"]["kind"], anew["origin"]["changes"]) == (run_id, "fork", {"input": True})
    dev.write("other.json", json.dumps(COUNTING).replace("{{ state.count }}: ", "drawn anew: "))
    tried = dev.type("try", run_id, "other.json", "--detach")
    assert tried.code == 0, tried.err
    assert dev.type("logs", tried.out.strip(), "--follow").code == 0
    replayed = dev.type("replay", run_id)
    assert replayed.code == 0, replayed.err
    assert "entries came again as they are on record" in replayed.out
    assert dev.type("replay", run_id, "--json").json["identical"] is True


def test_what_cannot_be_gone_on_from_says_why(served: Served, dev: Shell, shell_of: Opened) -> None:
    run_id = started(dev)
    nothing = dev.type("retry", run_id)
    assert (nothing.code, "failed" in nothing.err) == (6, True)
    for words, code in {
        ("rerun", run_id): 2,
        ("rerun", run_id, "--from", "nowhere"): 7,
        ("fork", run_id): 7,
        ("fork", run_id, "--set", "count"): 2,
        ("fork", run_id, "--set", "count=1", "--set", "count=2"): 2,
        ("fork", run_id, "--result", "ask={"): 7,
        ("fork", run_id, "--input", "x", "--object", "{}"): 2,
        ("retry", NOWHERE): 5,
    }.items():
        said = dev.type(*words)
        assert said.code == code, (words, said.err)
    assert shell_of(served.world.viewer).type("rerun", run_id, "--from", "ask").code == 4
    assert shell_of(served.world.stranger).type("replay", run_id).code == 5


def test_a_replay_that_differs_is_told(shell: Shell) -> None:
    with serve_run() as server:
        shell.variables |= {"CODEXOS_URL": server.url, "CODEXOS_TOKEN": TOKEN}
        found = {"seq": 7, "node_id": "ask", "message": "The result is another.", "was": 1, "now": 2}
        answer = {"identical": False, "compared": 9, "differences": [found], "output": None}
        path = f"/api/v1/runs/{RUN_ID}/replay/"
        server.answers[path] = (200, "application/json", json.dumps(answer).encode())
        said = shell.type("replay", RUN_ID)
        assert (said.code, "7 ask: The result is another." in said.out) == (7, True)
        # a server of before time travel
        old = shell.type("retry", RUN_ID)
        assert (old.code, "Update the server" in old.err) == (12, True)


def test_a_schedule_is_made_listed_paused_and_deleted(served: Served, dev: Shell, shell_of: Opened) -> None:
    words = ["triggers", "schedule", "counting", "0 7 * * 1-5", "--zone", "Europe/Berlin", "--input", "hello"]
    made = dev.type(*words, "--json")
    assert made.code == 0, made.err
    trigger = made.json["id"]
    assert (made.json["name"], made.json["secret"]) == ("Schedule 0 7 * * 1-5", None)
    row = dev.type("triggers", "list", "--flow", "counting").out.splitlines()[0].split("\t")
    assert row[:4] == [trigger, "Schedule 0 7 * * 1-5", "cron", "0 7 * * 1-5 Europe/Berlin"]
    assert "next" in dev.type("triggers", "show", trigger).out
    paused = dev.type("triggers", "pause", trigger)
    assert (paused.code, paused.out) == (0, "Trigger 'Schedule 0 7 * * 1-5' is paused.\n")
    assert dev.type("triggers", "list").out.splitlines()[0].endswith("\tpaused")
    assert "goes on; next " in dev.type("triggers", "resume", trigger).out
    run_id = dev.type("triggers", "fire", trigger).out.strip()
    assert dev.type("logs", run_id, "--follow").code == 0
    assert dev.type("triggers", "firings", trigger).out.split("\t")[1:3] == [run_id, "succeeded"]
    assert dev.type("triggers", "firings", trigger, "--json").json[0]["run_id"] == run_id
    viewer, stranger = shell_of(served.world.viewer), shell_of(served.world.stranger)
    assert (viewer.type("triggers", "pause", trigger).code, stranger.type("triggers", "show", trigger).code) == (4, 5)
    assert dev.type("triggers", "delete", trigger).out == f"Deleted trigger {trigger}.\n"
    assert dev.type("triggers", "show", trigger).code == 5


def test_a_moment_and_a_webhook_are_made(dev: Shell) -> None:
    moment = dev.type("triggers", "at", "counting", "2199-03-29T14:30", "--object", '{"of": "tide"}', "--json").json
    assert (moment["kind"], moment["at"], moment["input"]) == ("at", "2199-03-29T14:30:00Z", {"of": "tide"})
    hook = dev.type("triggers", "webhook", "counting", "--name", "Pushed", "--style", "github")
    assert hook.code == 0, hook.err
    told = dict(line.split(maxsplit=1) for line in hook.out.splitlines())
    assert told["secret"].startswith("cos_hook_")
    assert told["address"].endswith(f"/hooks/{told['trigger']}/")
    assert "not shown again" in hook.err
    rotated = dev.type("triggers", "rotate", told["trigger"])
    assert "cos_hook_" in rotated.out
    assert told["secret"] not in rotated.out + dev.type("triggers", "show", told["trigger"]).out


def test_everything_that_is_wrong_with_a_trigger_is_told(dev: Shell) -> None:
    said = dev.type("triggers", "schedule", "counting", "often", "--zone", "Europe/Atlantis", "--missed", "all")
    assert said.code == 7
    assert [line.split(":")[0].strip() for line in said.err.splitlines()[1:]] == ["cron", "time_zone", "missed"]
    assert dev.type("triggers", "at", "no-such-flow", "2199-03-29T14:30").code == 5
    assert dev.type("triggers", "at", "counting", "2001-01-01T00:00").code == 7
    assert dev.type("triggers", "at", "counting", "2199-01-01T00:00", "-i", "x", "--object", "{}").code == 2
    assert dev.type("triggers", "list", "--limit", "none").code == 2
