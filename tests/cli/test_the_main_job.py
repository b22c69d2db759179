# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The main job from outside: a flow over an uploaded note and a PDF, by API and command line, told alike everywhere."""

import json
import re
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.agents.test_runs import BLUEPRINT
from tests.cli.conftest import Served
from tests.cli.shell import Shell
from tests.factories import Someone
from tests.pdfs import make_pdf

NOTE = "# Orchard\n\nThe cider press is oiled with walnut oil every Sunday.\n"
LEDGER = make_pdf(["Harvest ledger."], ["Row nine gave forty crates of quinces."])

Opened = Callable[[Someone], Shell]


def ask(
    served: Served, method: str, path: str, body: bytes = b"", *, who: Someone, kind: str = "application/json"
) -> Any:
    """Ask over real HTTP and return the answer's text."""
    headers = {"Authorization": f"Bearer {who.token}", "Content-Type": kind}
    request = urllib.request.Request(f"{served.url}{path}", body or None, headers, method=method)  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own address
        return answer.status, answer.read().decode()


@pytest.fixture
def project(served: Served) -> str:
    """A project with a note and a PDF in it."""
    files = f"/api/v1/projects/{served.world.project.id}/files"
    for name, content, kind in (
        ("orchard.md", NOTE.encode(), "text/markdown"),
        ("ledger.pdf", LEDGER, "application/pdf"),
    ):
        ask(served, "PUT", f"{files}/{name}", content, who=served.world.dev, kind=kind)
    return str(served.world.project.id)


def run(served: Served, question: str, **more: Any) -> dict[str, Any]:
    body = {
        "agent_id": "agent-1",
        "flow": BLUEPRINT,
        "context": ["orchard.md", "ledger.pdf"],
        "input": question,
        **more,
    }
    status, text = ask(served, "POST", "/agent/run", json.dumps(body).encode(), who=served.world.dev)
    assert status == 200
    answer: dict[str, Any] = json.loads(text)
    return answer


def sent_events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]


@pytest.mark.parametrize(
    ("question", "quoted"),
    [
        (
            "What is the cider press oiled with?",
            'From orchard.md: "The cider press is oiled with walnut oil every Sunday."',
        ),
        (
            "How many crates of quinces did row nine give?",
            'From ledger.pdf (page 2): "Row nine gave forty crates of quinces."',
        ),
    ],
)
def test_the_blueprint_answers_from_the_file_that_knows(
    served: Served, project: str, question: str, quoted: str
) -> None:
    done = run(served, question)
    assert done["status"] == "succeeded"
    assert quoted in done["result"]["output"]
    assert {line["node_id"] for line in done["logs"]} >= {node["id"] for node in BLUEPRINT["nodes"]}


def test_socket_and_sent_events_tell_the_same_from_any_seq(served: Served, project: str) -> None:
    # given
    run_id = run(served, "What is the cider press oiled with?")["id"]
    _, text = ask(served, "GET", f"/api/v1/runs/{run_id}/events", who=served.world.dev)
    told = sent_events(text)
    assert [event["seq"] for event in told] == list(range(1, len(told) + 1))
    # then
    address = f"{served.url.replace('http', 'ws', 1)}/ws/runs/{run_id}/"
    headers = {"Authorization": f"Bearer {served.world.dev.token}"}
    for after in (0, 3, len(told) - 1):
        with connect(f"{address}?after={after}", additional_headers=headers) as line:
            assert [json.loads(word) for word in line] == told[after:]


def test_the_command_line_does_the_same_and_follows(served: Served, shell_of: Opened, project: str) -> None:
    # given
    shell = shell_of(served.world.dev)
    shell.write("flow.json", json.dumps(BLUEPRINT))
    shell.write("late.md", "The late pears are picked by lantern light.\n")
    question = ("--input", "How are the late pears picked?")
    # when
    said = shell.type("run", "flow.json", *question, "--context", "late.md", "--context", "ledger.pdf", "--follow")
    # then
    assert said.code == 0, said.err
    assert said.out.strip() == 'From late.md: "The late pears are picked by lantern light."'
    run_id = str(re.search(r"Run ([0-9a-f-]{36})", said.err).group(1))  # type: ignore[union-attr]
    _, text = ask(served, "GET", f"/api/v1/runs/{run_id}/events", who=served.world.dev)
    lines = [event["data"]["message"] for event in sent_events(text)]
    assert [line for line in lines if line not in said.err] == []


def test_who_may_cancel_by_the_command_line_and_when(served: Served, shell_of: Opened, project: str) -> None:
    # given
    shell = shell_of(served.world.dev)
    run_id = run(served, "Anything?")["id"]
    # then
    late = shell.type("cancel", run_id)
    assert late.code == 6
    assert "has ended already: succeeded" in late.err
    assert shell_of(served.world.viewer).type("cancel", run_id).code == 4
    assert shell_of(served.world.stranger).type("cancel", run_id).code == 5
