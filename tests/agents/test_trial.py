# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``bin/manage run_flow``: a flow run in process. No test here may touch the database, and none needs one."""

import json
import os
import subprocess
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from codexos.local.suite import clean_environment
from tests.agents.test_runs import BLUEPRINT

FAILING: dict[str, Any] = {
    "id": "failing",
    "nodes": [
        {"id": "start", "type": "entry", "next": "end", "schema": {"type": "object"}},
        {"id": "end", "type": "exit"},
    ],
}


@pytest.fixture
def flow(tmp_path: Path) -> str:
    """The blueprint flow in a file."""
    path = tmp_path / "flow.json"
    path.write_text(json.dumps(BLUEPRINT))
    return str(path)


def run_flow(*words: str) -> tuple[str, str]:
    """Run the command; return what it wrote on stdout and stderr."""
    out, err = StringIO(), StringIO()
    call_command("run_flow", *words, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_with_nothing_running_from_any_folder(tmp_path: Path, flow: str) -> None:
    (tmp_path / "tides.md").write_text("# Tides\n\nHigh water at the pier is at 14:20 on Friday.\n")
    home = tmp_path / "home"
    words = ["run_flow", "flow.json", "--input", "When is high water?", "--context", "tides.md", "--follow"]
    done = subprocess.run(
        [settings.BASE_DIR / "bin" / "manage", *words],
        cwd=tmp_path,
        env={**clean_environment(os.environ), "CODEXOS_HOME": str(home), "OPENAI_API_KEY": "never-used"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == 'From tides.md: "High water at the pier is at 14:20 on Friday."\n'
    assert "[planner] planner done: " in done.stderr
    assert not home.exists(), "no home, no server, no database was made for it"


def test_every_entry_is_told_as_it_comes_and_afterwards(flow: str) -> None:
    _, live = run_flow(flow, "--input", "hello", "--follow")
    _, later = run_flow(flow, "--input", "hello")
    assert [line[9:] for line in live.splitlines()] == [line[9:] for line in later.splitlines()]
    assert live.count("Run succeeded.") == 1


def test_as_json_for_programs(flow: str, tmp_path: Path) -> None:
    (tmp_path / "question.txt").write_text("hello")
    shape = json.loads(run_flow(flow, "--input", f"@{tmp_path}/question.txt", "--json")[0])
    assert shape["status"] == "succeeded"
    assert {"output", "citations", "usage", "error"} < set(shape)
    assert shape["logs"][2]["message"] == "start done: hello"


def test_a_flow_in_yaml(tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    path.write_text("id: y\nnodes:\n  - {id: start, type: entry, next: end}\n  - {id: end, type: exit}\n")
    assert run_flow(str(path), "--input", "hello")[0] == "hello\n"


def test_a_run_that_fails_ends_with_1(tmp_path: Path) -> None:
    path = tmp_path / "failing.json"
    path.write_text(json.dumps(FAILING))
    with pytest.raises(CommandError) as caught:
        run_flow(str(path), "--input", "no object")
    assert caught.value.returncode == 1
    assert run_flow(str(path), "--object", '{"a": 1}')[0] == '{"a":1}\n'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"nodes": [{"id": "a", "type": "entry"}, {"id": "b", "type": "odd"}]}', "$.nodes[1].type: "),
        (b'{"nodes": [{"id": "a", "type": "entry"},\n {"id": "b", "type": "odd"}]}', "line 2, column"),
        (b'{"nodes": [\n', "not JSON"),
        (b"nodes: *x\n", "$"),
        (
            b"""{"nodes": [{"id": "a", "type": "entry", "next": "t"}, {"id": "b", "type": "exit"},
            {"id": "t", "type": "tool", "tool": "Websearch", "next": "b"}]}""",
            "Did you mean 'WebSearch'?",
        ),
        (b"[" * 100_000, "nested too deeply"),
        (b"\xff\xfe\x00", "not text"),
        (None, "No such file"),
    ],
)
def test_a_flow_that_cannot_run_ends_with_2_and_every_problem(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "flow.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError) as caught:
        run_flow(str(path))
    assert caught.value.returncode == 2
    assert said in str(caught.value)


@pytest.mark.parametrize("words", [["--object", "[1]"], ["--object", "{"], ["--context", "missing.md"]])
def test_what_is_given_wrongly_ends_with_2(flow: str, words: list[str]) -> None:
    with pytest.raises(CommandError) as caught:
        run_flow(flow, *words)
    assert caught.value.returncode == 2
