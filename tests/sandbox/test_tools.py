# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Shell and PythonExec: what flows and models write, run where it can do no harm, and what they are given back."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from agents.adapters.toolbox import BuiltInToolbox
from agents.adapters.tools.room import ToolRoom
from agents.engine.gate import Occasion
from agents.engine.tools import check_arguments, kept_result
from agents.errors import SandboxUnavailable
from codexos.kernel.http import EgressPolicy, parse_egress_allow
from tests.kernel.local_server import LocalServer, answer
from tests.sandbox.conftest import Served


@pytest.fixture(autouse=True)
def _installed(settings: Any, served: Served) -> None:
    settings.SANDBOX_SOCKET = served.socket


async def call(name: str, *, room: ToolRoom | None = None, on: Occasion | None = None, **arguments: Any) -> Any:
    """Call a tool as a run does, its shapes checked on both sides."""
    tools = BuiltInToolbox(room or ToolRoom())
    spec = tools.describe(name)
    check_arguments(spec, arguments)
    return kept_result(spec, await tools.call(name, arguments, on=on or Occasion("key"))).result


async def test_shell_says_what_was_said_and_how_it_ended():
    said: list[str] = []
    on = Occasion("key", "step", said.append)
    found = await call("Shell", on=on, command="cat a/b; echo grün; echo no >&2; exit 4", files={"a/b": "file\n"})
    assert (found["stdout"], found["stderr"], found["exit_code"]) == ("file\ngrün\n", "no\n", 4)
    assert "grün" in "".join(said)


async def test_python_gives_the_value_of_its_last_line_and_what_it_drew():
    found = await call(
        "PythonExec",
        code="""
import numpy, pandas, matplotlib.pyplot as plots
table = pandas.DataFrame({"x": numpy.arange(3), "y": [1.5, float("nan"), 2.5]})
plots.plot(table["x"])
table.to_csv("/out/table.csv", index=False)
print(table["x"].sum())
table.to_dict(orient="list") | {"mean": table["y"].mean()}
""",
    )
    assert found["exit_code"] == 0, found
    assert found["stdout"] == "3\n"
    assert found["result"] == {"x": [0, 1, 2], "y": [1.5, None, 2.5], "mean": 2.0}
    files = {each["name"]: base64.b64decode(each["content"]) for each in found["files"]}
    assert files["table.csv"].startswith(b"x,y\n0,1.5")
    assert files["figure-1.png"].startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("result = {'a': (1, 2)}", {"a": [1, 2]}),
        ("1 + 1", 2),
        ("x = 1", None),
        ("object", "<class 'object'>"),
        ("class Odd(dict):\n    def __repr__(self): return 'odd'\nx = []\nx.append(x)\nx", None),
    ],
)
async def test_what_python_gives_is_json_or_told_in_words(code: str, result: Any):
    found = await call("PythonExec", code=code)
    assert found["exit_code"] == 0, found
    assert found["result"] == result or result is None


async def test_an_error_in_python_is_told_with_its_own_lines_alone():
    found = await call("PythonExec", code="def f():\n    return 1 / 0\nf()\n")
    assert found["exit_code"] == 1
    assert found["result"] is None
    assert found["stderr"].count("File ") == 2
    assert "ZeroDivisionError" in found["stderr"]


async def test_tests_are_run_by_pytest():
    found = await call("Shell", command="python3 --version; ls", files={"x": ""})
    assert found["stdout"].endswith("x\n")
    code = "import subprocess, sys\nsubprocess.run(['pytest', '-q', 'test_a.py']).returncode"
    found = await call("PythonExec", code=code, files={"test_a.py": "def test_a():\n    assert 1 == 2\n"})
    assert found["result"] == 1
    assert "1 failed" in found["stdout"]


async def test_a_call_that_takes_too_long_is_ended_and_says_so():
    found = await call("Shell", command="echo before; sleep 60", timeout_seconds=0.3)
    assert (found["stdout"], found["ended_by"], found["exit_code"]) == ("before\n", "seconds", 137)


async def test_long_output_keeps_its_beginning_and_its_end():
    found = await call("Shell", command="seq 1 100000")
    assert found["stdout"].startswith("1\n2\n")
    assert found["stdout"].endswith("\n100000\n")
    assert found["truncated"]


async def test_a_file_that_is_too_large_to_keep_is_named_all_the_same():
    found = await call("Shell", command="head -c 3000000 /dev/zero > /out/large; echo 1 > /out/small")
    large, small = found["files"]
    assert (large["name"], large["size"], large["content"]) == ("large", 3_000_000, None)
    assert base64.b64decode(small["content"]) == b"1\n"
    assert "large" in found["left_out"][0]


@pytest.fixture
def server() -> Iterator[LocalServer]:
    """A server in the outside world."""
    with LocalServer() as running:
        running.speech = lambda asked: [answer(b"hello from outside")]
        yield running


async def test_code_reaches_the_hosts_its_call_names_and_no_others(server: LocalServer):
    room = ToolRoom(egress=EgressPolicy(allow=parse_egress_allow(f"127.0.0.1:{server.port}")))
    code = f"import requests\nrequests.get('http://127.0.0.1:{server.port}/x', timeout=20).text"
    # Python's own client would not ask a proxy for what is local, which in there is the slot itself.
    env = {"NO_PROXY": "", "no_proxy": ""}
    there = await call("PythonExec", room=room, code=code, hosts=["127.0.0.1"], env=env)
    assert there["result"] == "hello from outside", there
    assert [asked.path for asked in server.asked] == ["/x"]
    elsewhere = await call("PythonExec", room=room, code=code, hosts=["example.org"], env=env)
    nowhere = await call("PythonExec", room=room, code=code, env=env)
    assert elsewhere["exit_code"] == 1 or "hello" not in str(elsewhere["result"])
    assert nowhere["exit_code"] == 1
    assert len(server.asked) == 1


def test_a_call_touches_code_and_each_host_it_names():
    spec = BuiltInToolbox(ToolRoom()).describe("Shell")
    assert list(spec.capabilities_of({"command": "ls"})) == ["exec"]
    assert list(spec.capabilities_of({"command": "ls", "hosts": ["API.Example.org"]})) == [
        "exec",
        "egress:api.example.org",
    ]
    # Without a host all it does is gone with its sandbox; with one it may have had its effect.
    assert spec.may_repeat({"command": "ls"})
    assert not spec.may_repeat({"command": "ls", "hosts": ["api.example.org"]})
    assert spec.gives_untrusted


async def test_without_a_sandbox_nothing_is_run(settings: Any):
    settings.SANDBOX_SOCKET = "/nonexistent"
    with pytest.raises(SandboxUnavailable, match="doctor"):
        await call("Shell", command="touch /tmp/never")
