# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Tools out of Python files: read without being run, run only in the sandbox, and one that is broken harms no other."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from agents.adapters.shelves.finding import find_operators_tools
from agents.adapters.toolbox import BuiltInToolbox
from agents.adapters.tools.room import ToolRoom
from agents.engine.gate import Occasion
from agents.engine.tools import check_arguments, kept_result
from agents.errors import ToolFailed, ToolNotReady
from tests.sandbox.conftest import Served

LANGCHAIN = """
from langchain_core.tools import BaseTool

class Weigh(BaseTool):
    name = "weigh_bird"
    description = "Weigh a bird."

    def get_input_jsonschema(self):
        shape = {"type": "object", "properties": {"kind": {"$ref": "#/$defs/kind"}}, "required": ["kind"]}
        return {**shape, "$defs": {"kind": {"type": "string"}}}

    def invoke(self, arguments):
        return {"kind": arguments["kind"], "kg": 2}

weigh = Weigh()
"""


@pytest.fixture
def folder(tmp_path: Path, settings: Any, served: Served) -> Path:
    settings.SANDBOX_SOCKET = served.socket
    settings.TOOLS_FOLDER = str(tmp_path)
    return tmp_path


def manage(*words: str) -> str:
    said = io.StringIO()
    call_command("tools", *words, stdout=said)
    return said.getvalue()


async def call(name: str, **arguments: Any) -> Any:
    tools = BuiltInToolbox(ToolRoom(shelved=find_operators_tools([name])))
    spec = tools.describe(name)
    check_arguments(spec, arguments)
    return kept_result(spec, await tools.call(name, arguments, on=Occasion("key"))).result


def test_the_template_is_a_tool_that_works(folder: Path) -> None:
    assert "word_count.py is written" in manage("new", "word_count")
    assert "word_count: ready" in manage("validate")
    assert "file       ready (exec)" in manage("list")
    told = manage("test", "word_count", "--arguments", '{"text": "Kea kea kakapo", "least_letters": 4}')
    assert json.loads(told) == {"kakapo": 1}
    with pytest.raises(CommandError, match="there already"):
        manage("new", "word_count")
    with pytest.raises(CommandError, match="least_letters"):
        manage("test", "word_count", "--arguments", '{"text": "a", "least_letters": "many"}')


async def test_a_broken_file_harms_no_other_and_none_is_run_here(folder: Path) -> None:
    marker = folder / "ran"
    (folder / "bad.py").write_text(f"open({str(marker)!r}, 'w')\ndef bad(x) -> str: return x\n")
    (folder / "worse.py").write_text("def worse(:\n")
    (folder / "fails.py").write_text("async def fails(text: str) -> str:\n    raise ValueError('no ' + text)\n")
    (folder / "waits.py").write_text("async def waits(text: str) -> str:\n    return text + '!'\n")
    listed = manage("list")
    assert "'x' has no type" in listed
    assert "cannot be read as Python in line 1" in listed
    with pytest.raises(CommandError, match="2 of 4"):
        manage("validate")
    assert await call("waits", text="hello") == "hello!"
    with pytest.raises(ToolFailed, match="ValueError: no way"):
        await call("fails", text="way")
    with pytest.raises(ToolNotReady, match="has no type"):
        await call("bad", x=1)
    assert not marker.exists()


async def test_what_a_tool_can_reach_is_the_sandbox(folder: Path) -> None:
    (folder / "pry.py").write_text(
        "import os, socket\n"
        "def pry(path: str) -> dict[str, object]:\n"
        "    try:\n        socket.create_connection(('127.0.0.1', 80), 1); net = 'open'\n"
        "    except OSError as error:\n        net = type(error).__name__\n"
        "    return {'there': os.path.exists(path), 'net': net, 'keys': [k for k in os.environ if 'CODEXOS' in k]}\n"
    )
    found = await call("pry", path=str(folder))
    assert (found["there"], found["keys"]) == (False, [])
    assert found["net"] != "open"


def test_tools_of_langchain_are_taken_by_what_they_take(
    folder: Path, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    bird = folder / "birds"
    bird.mkdir()
    (bird / "tool.py").write_text(LANGCHAIN)
    (bird / "requirements.txt").write_text("langchain-core\n")
    assert "is not installed" in manage("list")
    programs = served.folder / "programs"
    monkeypatch.setenv("CODEXOS_SANDBOX_PROGRAMS", str(programs))
    package = programs / "tools" / "birds" / "langchain_core"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    # What stands for the package: fetching the real one is no matter of a test.
    (package / "tools.py").write_text("class BaseTool:\n    pass\n")
    (bird / "requirements.txt").write_text("")
    assert manage("install") == "Installed: birds.\n"
    assert "weigh_bird" in manage("list")
    assert json.loads(manage("test", "weigh_bird", "--arguments", '{"kind": "kea"}')) == {"kind": "kea", "kg": 2}
    assert "langchain_core" not in sys.modules


def test_packages_ask_for_a_place_the_sandbox_sees(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CODEXOS_SANDBOX_PROGRAMS", raising=False)
    (folder / "birds").mkdir()
    (folder / "birds" / "tool.py").write_text("def birds(n: int) -> int:\n    return n\n")
    (folder / "birds" / "requirements.txt").write_text("x\n")
    with pytest.raises(CommandError, match="CODEXOS_SANDBOX_PROGRAMS"):
        manage("install")
    with pytest.raises(CommandError, match="There is no folder"):
        manage("install", "nothing")
