# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The command line against the real product: signing in, running, watching, flows and files."""

import json
import re
import stat
from collections.abc import Callable
from typing import Any

import pytest

from tests.agents.test_runs import BLUEPRINT
from tests.cli.conftest import Served
from tests.cli.shell import Shell
from tests.factories import Someone

HANDBOOK = "# Releases\n\nThe release captain approves every release on Thursday.\n"
FAILING: dict[str, Any] = {
    "id": "failing",
    "nodes": [
        {"id": "start", "type": "entry", "next": "end", "schema": {"type": "object"}},
        {"id": "end", "type": "exit"},
    ],
}
BROKEN: dict[str, Any] = {
    "id": "broken",
    "nodes": [{"id": "start", "type": "entry", "next": "nowhere"}, {"id": "odd", "type": "oddity"}],
}
YAML = """\
id: in-yaml
nodes:
  - {id: start, type: entry, next: end}
  - id: end
    type: exit
    output: {said: "{{ input }}", country: no}
"""

Opened = Callable[[Someone], Shell]


@pytest.fixture
def dev(served: Served, shell_of: Opened) -> Shell:
    """A developer's shell, with the blueprint flow in a file."""
    shell = shell_of(served.world.dev)
    shell.write("flow.json", json.dumps(BLUEPRINT))
    return shell


def test_signing_in_keeps_the_token_where_nobody_else_reads_it(served: Served, shell: Shell) -> None:
    token = served.world.dev.token
    said = shell.type("login", "--url", f"{served.url}/", "--token-stdin", stdin=f"{token}\n")
    assert said.code == 0, said.err
    assert "dev@acme.example, developer in Acme" in said.out
    kept = shell.folder / "config" / "codexos" / "profiles.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert token in kept.read_text()

    shell.type("login", "--profile", "boss", "--url", served.url, "--token", served.world.admin.token)
    assert shell.type("whoami", "--json").json["person"]["email"] == "dev@acme.example"
    assert shell.type("--profile", "boss", "whoami", "--json").json["role"] == "org_admin"
    assert "Dev" in shell.type("whoami").out

    assert shell.type("logout").code == 0
    assert token not in kept.read_text()
    assert shell.type("whoami").code == 3
    assert shell.type("whoami", CODEXOS_PROFILE="boss").code == 0


def test_a_token_that_counts_for_nothing_is_not_kept(served: Served, shell: Shell) -> None:
    said = shell.type("login", "--url", served.url, "--token", "cos_pat_" + "a" * 36)
    assert said.code == 3
    assert not (shell.folder / "config").exists()


def test_the_demo_file_is_a_sign_in(served: Served, shell: Shell) -> None:
    people = [{"email": "dev@acme.example", "role": "developer", "token": served.world.dev.token}]
    demo = {
        "url": served.url,
        "organizations": [{"slug": "acme", "project": {"slug": served.world.project.slug}, "people": people}],
    }
    path = shell.write("demo.json", json.dumps(demo))
    said = shell.type("login", "--demo", path)
    assert (said.code, "dev@acme.example, developer in acme" in said.err) == (2, True)
    assert shell.type("login", "--demo", path, "--as", "dev@acme.example").code == 0
    assert shell.type("whoami", "--json").json["project"] == served.world.project.slug


def test_a_run_is_watched_on_stderr_and_hands_its_output_to_stdout(dev: Shell) -> None:
    dev.write("notes/handbook.md", HANDBOOK)
    words = ["run", "flow.json", "--input", "Who approves a release?", "--context", "notes/handbook.md"]
    said = dev.type(*words, "--follow")
    assert said.code == 0, said.err
    assert "release captain" in said.out
    for node in ("start", "planner", "tool_selector", "summarizer", "end"):
        assert f"[{node}]" in said.err
        assert f"[{node}]" not in said.out
    assert "Sent notes/handbook.md as notes/handbook.md, version 1." in said.err
    assert "Run succeeded." in said.err

    again = dev.type(*words)
    assert again.code == 0
    assert again.err == "", "the same content is not sent twice, and nothing is said where nobody follows"
    dev.write("notes/handbook.md", HANDBOOK + "\nExcept on holidays.\n")
    assert "version 2" in dev.type(*words).err
    named = dev.type("run", "flow.json", "-i", "Who approves?", "-c", "notes/handbook.md", "--json")
    assert named.json["status"] == "succeeded"
    assert dev.type("files", "list").out.split("\t")[:2] == ["notes/handbook.md", "2"]
    assert dev.type("files", "get", "notes/handbook.md").out.endswith("Except on holidays.\n")
    assert dev.type("files", "put", "notes/handbook.md", "--as", "other.md").code == 0
    astray = dev.type("files", "put", "notes/handbook.md", "--as", "a/../b.md")
    assert (astray.code, "would leave its folder" in astray.err) == (7, True)
    unknown = dev.type("files", "put", "notes/handbook.md", CODEXOS_TOKEN="cos_pat_nobody")
    assert (unknown.code, "unknown, revoked or expired" in unknown.err) == (3, True)


def test_a_detached_run_is_found_again(dev: Shell) -> None:
    run_id = dev.type("run", "flow.json", "--input", "-", "--detach", stdin="Hello there").out.strip()
    live = dev.type("logs", run_id, "--follow", "--json")
    assert live.code == 0, live.err
    seqs = [json.loads(line)["seq"] for line in live.out.splitlines()]
    assert seqs == list(range(1, len(seqs) + 1))
    told = dev.type("logs", run_id)
    assert len(told.out.splitlines()) == len(seqs)
    assert dev.type("logs", run_id, "--follow").out == told.out
    shown = dev.type("show", run_id, "--json").json
    assert (shown["id"], shown["status"]) == (run_id, "succeeded")
    assert "succeeded" in dev.type("show", run_id).out
    listed = dev.type("runs", "--mine", "--limit", "1")
    assert listed.out.split("\t")[:3] == [run_id, "agent-1", "succeeded"]
    assert dev.type("runs", "--json").json[0]["id"] == run_id


def test_a_run_that_fails_says_why_by_its_exit_code_too(dev: Shell) -> None:
    dev.write("failing.json", json.dumps(FAILING))
    said = dev.type("run", "failing.json", "--input", "no object")
    assert (said.code, said.out) == (1, "")
    assert "failed: " in said.err
    run_id = dev.type("runs", "--failed", "--json").json[0]["id"]
    assert dev.type("logs", run_id, "--follow").code == 1
    assert dev.type("run", "failing.json", "--object", '{"a": 1}').out == '{\n  "a": 1\n}\n'


def test_a_flow_goes_up_comes_down_and_runs_by_its_name(served: Served, dev: Shell) -> None:
    dev.write("flow.yaml", YAML)
    assert dev.type("flows", "validate", "flow.yaml").out.splitlines()[0] == "flow.yaml is valid."
    pushed = dev.type("flows", "push", "flow.yaml", "--publish")
    assert pushed.code == 0, pushed.err
    assert pushed.out == "Created flow in-yaml, published as version 1.\n"
    assert dev.type("run", "in-yaml", "-i", "hi").out == '{\n  "said": "hi",\n  "country": "no"\n}\n'
    assert dev.type("flows", "list").out.startswith("in-yaml\tin-yaml\t1\t")
    assert dev.type("flows", "pull", "in-yaml", "-o", "down.json").code == 0
    assert json.loads((dev.folder / "down.json").read_text())["nodes"][1]["output"]["country"] == "no"
    assert dev.type("flows", "pull", "in-yaml", "-o", "down.json").code == 2


def test_a_flow_is_changed_and_its_versions_stay(dev: Shell) -> None:
    dev.write("flow.yaml", f"# why it is here\n{YAML.replace('in-yaml', 'kept')}")
    dev.type("flows", "push", "flow.yaml", "--publish")
    dev.write("flow.yaml", YAML.replace("in-yaml", "kept").replace("{{ input }}", "second"))
    changed = dev.type("flows", "push", "flow.yaml", "--json")
    assert changed.code == 0, changed.err
    assert dev.type("run", "kept", "-i", "x", "--json").json["result"]["output"]["said"] == "x", "a draft runs nowhere"
    assert dev.type("flows", "publish", "kept").out == "Published kept as version 2.\n"
    assert [line.split("\t")[0] for line in dev.type("flows", "versions", "kept").out.splitlines()] == ["2", "1"]
    assert dev.type("flows", "restore", "kept", "1").code == 0
    assert dev.type("flows", "pull", "kept", "--yaml").out.startswith("# why it is here\n"), "kept as it was written"
    assert dev.type("flows", "restore", "kept", "9").code == 5
    assert dev.type("flows", "archive", "kept").code == 0
    assert "kept" not in dev.type("flows", "list").out
    assert dev.type("run", "kept", "-i", "x").code in {5, 6}


def test_a_draft_with_problems_is_kept_and_says_so(dev: Shell) -> None:
    dev.write("unfinished.json", json.dumps({**BROKEN, "id": "unfinished"}, indent=1))
    said = dev.type("flows", "push", "unfinished.json")
    assert said.code == 7
    assert said.out == "Created flow unfinished as a draft.\n"
    assert re.search(r"unfinished\.json:\d+:\d+ \$\.nodes\[1\]\.type: ", said.err)
    assert dev.type("flows", "publish", "unfinished").code == 7


def test_every_problem_of_a_flow_is_told_with_its_place(dev: Shell) -> None:
    dev.write("broken.json", json.dumps(BROKEN))
    said = dev.type("flows", "validate", "broken.json")
    assert said.code == 7
    assert re.search(r"  broken\.json:1:\d+ \$\.nodes\[1\]\.type: ", said.out)
    assert "$.nodes[0].next" in said.out
    refused = dev.type("run", "broken.json")
    assert refused.code == 7
    assert "  $.nodes[1].type: " in refused.err
    assert dev.type("flows", "validate", "broken.json", "--json").json["is_valid"] is False


def test_what_is_not_there_or_not_theirs(served: Served, dev: Shell, shell_of: Opened) -> None:
    nowhere = "00000000-0000-7000-8000-000000000000"
    assert dev.type("show", nowhere).code == 5
    assert dev.type("logs", nowhere, "--follow").code == 5
    assert dev.type("show", "../../me").code == 5
    assert dev.type("run", "nosuchflow").code == 5
    assert dev.type("run", "flow.json", "-c", "never-sent.md").code == 5
    run_id = dev.type("run", "flow.json", "-i", "x", "--detach").out.strip()
    viewer = shell_of(served.world.viewer)
    assert viewer.type("run", "flow.json", "-i", "x").code == 4
    stranger = shell_of(served.world.stranger)
    assert stranger.type("show", run_id).code == 5
    assert stranger.type("logs", run_id, "--follow").code == 5
    assert stranger.type("run", "flow.json", "--project", str(served.world.project.id)).code == 5
