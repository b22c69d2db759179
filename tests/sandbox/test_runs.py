# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Code in real runs: a flow's own step runs in the real sandbox, and its result is in the journal with its files."""

import base64
from typing import Any

from tests.agents.engine.stage import chain
from tests.agents.test_tools import run
from tests.factories import World
from tests.sandbox.conftest import Served

CODE = """
import pathlib
rows = [int(row) for row in pathlib.Path("numbers.txt").read_text().split()]
pathlib.Path("/out/sum.txt").write_text(str(sum(rows)))
print("added", len(rows))
{"sum": sum(rows), "input": "{{ input }}"}
"""


async def test_a_flow_runs_python_and_keeps_what_it_gave(committed_world: World, served: Served, settings: Any) -> None:
    settings.SANDBOX_SOCKET = served.socket
    step = {"id": "add", "type": "tool", "tool": "PythonExec"}
    found = await run(
        committed_world, dict(chain({**step, "arguments": {"code": CODE, "files": {"numbers.txt": "1 2 39"}}}))
    )
    assert found["status"] == "succeeded", found
    output = found["result"]["output"]
    assert output["result"] == {"sum": 42, "input": "Go"}
    assert output["stdout"] == "added 3\n"
    assert [base64.b64decode(each["content"]) for each in output["files"]] == [b"42"]


async def test_a_run_says_why_where_there_is_no_sandbox(committed_world: World, settings: Any) -> None:
    settings.SANDBOX_SOCKET = "/nonexistent/sandbox.sock"
    step = {"id": "shell", "type": "tool", "tool": "Shell", "arguments": {"command": "true"}}
    found = await run(committed_world, dict(chain(step)))
    assert (found["status"], found["error"]["code"]) == ("failed", "sandbox_unavailable")
    assert "doctor" in found["error"]["message"]
