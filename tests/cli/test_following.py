# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Following a run over lines that are cut, and where it waits, fails or is interrupted."""

import json
import os
import pty
import re
import signal
import subprocess
from typing import Any

import pytest

from tests.cli.shell import PROGRAM, Shell
from tests.fakes.run_server import HOLD, RUN_ID, TOKEN, RunServer, entries, entry, serve_run


def signed_in(shell: Shell, server: RunServer) -> Shell:
    """Sign somebody in by the environment."""
    shell.variables |= {"CODEXOS_URL": server.url, "CODEXOS_TOKEN": TOKEN}
    return shell


def seqs_of(text: str) -> list[int]:
    return [json.loads(line)["seq"] for line in text.splitlines()]


def test_over_cut_lines_nothing_is_missed_and_nothing_comes_twice(shell: Shell) -> None:
    streams = [
        lambda after: [*entries(1, 3), entry(4)[:40]],  # cut in the middle of an entry
        lambda after: [],  # cut before anything came
        lambda after: entries(2, 5),  # a server that repeats what was seen
        lambda after: [*entries(6, 7), *entries(9, 12)],  # a gap
        lambda after: [b": still here\n\n", b'event: delta\ndata: {"type": "delta", "data": {}}\n\n'],
        lambda after: entries(after + 1, 12, end=True),
    ]
    with serve_run(streams=streams) as server:
        said = signed_in(shell, server).type("logs", RUN_ID, "--follow", "--json")
    assert said.code == 0, said.err
    assert seqs_of(said.out) == list(range(1, 13))
    assert server.resumed == [0, 3, 3, 5, 7, 7]


def test_a_refusal_in_the_middle_ends_it_and_does_not_repeat_the_token(shell: Shell) -> None:
    with serve_run(streams=[lambda after: entries(1, 2)]) as server:
        watching = signed_in(shell, server).start("logs", RUN_ID, "--follow")
        assert watching.stdout is not None
        watching.stdout.readline()
        problem = {"code": "token_revoked", "detail": "The token was revoked.", "status": 401}
        path = f"/api/v1/runs/{RUN_ID}/events"
        server.answers[path] = (401, "application/problem+json", json.dumps(problem).encode())
        out, err = watching.communicate(timeout=30)
    assert watching.returncode == 3
    assert "The token was revoked." in err
    assert TOKEN not in out + err


@pytest.mark.parametrize(("status", "code"), [("succeeded", 0), ("failed", 1), ("cancelled", 10)])
def test_a_run_s_end_is_the_exit_code(shell: Shell, status: str, code: int) -> None:
    with serve_run(status=status, streams=[lambda after: entries(1, 2, end=True)]) as server:
        said = signed_in(shell, server).type("run", "slug", "--input", "x")
    assert said.code == code
    assert said.out == ("the output\n" if code == 0 else "")
    assert server.bodies[0] == {"agent_id": "slug", "input": "x", "context": []}


def test_a_run_that_waits_says_how_to_decide(shell: Shell) -> None:
    waiting = [{"node_id": "pay", "reason": "may_have_happened", "message": "It may have happened."}]
    streams = [lambda after: [*entries(1, 2), entry(3, "run.waiting"), HOLD]]
    with serve_run(status="waiting", waiting=waiting, streams=streams) as server:
        somebody = signed_in(shell, server)
        said = somebody.type("run", "slug", "--follow")
        assert said.code == 11
        assert "It may have happened." in said.err
        assert f"codexos decide {RUN_ID} pay again|done|fail" in said.err
        assert somebody.type("decide", RUN_ID, "pay", "done", "--result", '{"id": 7}').code == 0
        assert server.bodies[-1] == {"node_id": "pay", "decision": "done", "result": {"id": 7}}
        assert somebody.type("decide", RUN_ID, "pay", "again").code == 0
        assert server.bodies[-1] == {"node_id": "pay", "decision": "again"}
        assert somebody.type("decide", RUN_ID, "pay", "perhaps").code == 2
        assert somebody.type("decide", RUN_ID, "pay", "approve", "--form", '{"amount": 3}').code == 0
        assert server.bodies[-1] == {"node_id": "pay", "decision": "approve", "form": {"amount": 3}}
        assert somebody.type("decide", RUN_ID, "pay", "done", "--form", "{}").code == 2
        broken = somebody.type("decide", RUN_ID, "pay", "approve", "--form", '{"amount": 3,\n bad')
        assert (broken.code, "--form:2:2: this is not JSON: " in broken.err) == (7, True)
        deep = somebody.type("decide", RUN_ID, "pay", "done", "--result", "[" * 100_000)
        assert (deep.code, "nested too deeply" in deep.err) == (7, True)
        for verb in ("pause", "resume"):
            assert somebody.type(verb, RUN_ID).code == 0
            assert server.asked[-1] == f"POST /api/v1/runs/{RUN_ID}/{verb}/"
        assert somebody.type("cancel", RUN_ID).code == 0
        assert server.asked[-1] == f"POST /api/v1/runs/{RUN_ID}/cancel/"


def test_ctrl_c_leaves_the_run_alone_and_says_how_to_come_back(shell: Shell) -> None:
    with serve_run(status="running", streams=[lambda after: [*entries(1, 2), HOLD]]) as server:
        watching = signed_in(shell, server).start("run", "slug", "--follow")
        assert watching.stderr is not None
        while "entry 2" not in watching.stderr.readline():
            pass
        watching.send_signal(signal.SIGINT)
        out, err = watching.communicate(timeout=30)
    assert (watching.returncode, out) == (130, "")
    assert f"codexos logs {RUN_ID} --follow" in err
    assert f"codexos cancel {RUN_ID}" in err
    assert [line for line in server.asked if "cancel" in line] == []


def test_what_a_server_says_is_text_to_the_terminal_and_nothing_else(shell: Shell) -> None:
    evil = entry(1, message="\x1b]0;owned\x07 \x9b31m\u202e")
    with serve_run(streams=[lambda after: [evil, *entries(2, 2, end=True)]]) as server:
        said = signed_in(shell, server).type("logs", RUN_ID, "--follow")
    assert not any(character in said.out for character in "\x1b\x07\x9b\u202e")


@pytest.mark.parametrize("words", [["cancel", RUN_ID], ["flows", "versions", "f"], ["flows", "archive", "f"]])
def test_an_older_server_is_told_from_a_thing_that_is_not_there(shell: Shell, words: list[str]) -> None:
    def refusal(code: str) -> tuple[int, str, bytes]:
        return 404, "application/problem+json", json.dumps({"code": code, "detail": "None.", "status": 404}).encode()

    paths = [f"/api/v1/runs/{RUN_ID}/cancel/", "/api/v1/flows/f/versions/?limit=200", "/api/v1/flows/f/archive/"]
    with serve_run(answers={path: refusal("not_found") for path in paths}) as server:
        old = signed_in(shell, server).type(*words)
        assert (old.code, "Update the server." in old.err) == (12, True)
        server.answers = {path: refusal("thing_not_found") for path in paths}
        assert signed_in(shell, server).type(*words).code == 5


def test_a_pipe_that_is_closed_early_is_no_failure(shell: Shell) -> None:
    many: dict[str, Any] = {"results": []}
    row = {"id": "x" * 1000, "agent_id": "a", "status": "failed", "created_at": "2026-01-01T00:00:00Z"}
    many["results"] = [row] * 2000
    answer = (200, "application/json", json.dumps(many).encode())
    with serve_run(answers={"/api/v1/runs/?which=all&limit=20": answer}) as server:
        listing = signed_in(shell, server).start("runs")
        assert listing.stdout is not None
        assert listing.stderr is not None
        listing.stdout.readline()
        listing.stdout.close()
        assert listing.stderr.read() == ""
        assert listing.wait(30) == 0


def test_lists_are_tables_on_a_terminal_only(shell: Shell) -> None:
    row = {"id": RUN_ID, "agent_id": "a", "status": "failed", "created_at": "2026-01-05T09:12:44.12Z"}
    answer = (200, "application/json", json.dumps({"results": [row]}).encode())
    with serve_run(answers={"/api/v1/runs/?which=all&limit=20": answer}) as server:
        somebody = signed_in(shell, server)
        assert somebody.type("runs").out == f"{RUN_ID}\ta\tfailed\t2026-01-05T09:12:44Z\t\n"
        shown = on_a_terminal(somebody, "runs")
        plain = on_a_terminal(somebody, "runs", NO_COLOR="1")
    for text in (shown, plain):
        heading, line = text.splitlines()
        assert {"id", "agent", "status", "created"} <= set(re.sub(r"\x1b\[\d*m", "", heading).split())
        assert line.split() == [RUN_ID, "a", "failed", "2026-01-05", "09:12"]
    assert "\x1b[31m" in on_a_terminal(somebody, "runs", "--limit", "x")
    assert "\x1b" not in on_a_terminal(somebody, "runs", "--limit", "x", NO_COLOR="1")


def on_a_terminal(shell: Shell, *words: str, **more: str) -> str:
    """Type a command where there is a terminal; return what it shows."""
    ours, theirs = pty.openpty()
    environment = shell.environment(TERM="xterm", COLUMNS="80", **more)
    with subprocess.Popen([PROGRAM, *words], cwd=shell.folder, env=environment, stdout=theirs, stderr=theirs):
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 65536):
                shown += piece
        except OSError:
            pass  # how Linux says that the other side is gone
    os.close(ours)
    return shown.decode()
