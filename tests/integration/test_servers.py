# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Servers that others made, as tool servers: as commands inside the sandbox, and over both transports of HTTP."""

import asyncio
import json
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agents.adapters.shelves.adapters import ADAPTERS
from agents.adapters.shelves.kinds import ServerPlace
from agents.adapters.tools.room import ToolRoom
from agents.engine.gate import Occasion
from agents.engine.offered import OfferedTool
from agents.operations.catalogues import sign_catalogue
from codexos.kernel.http import EgressPolicy, parse_egress_allow
from codexos.kernel.ids import new_id
from tests.integration.conftest import FOLDER, Programs
from tests.sandbox.conftest import Served, serving

_PACKAGES = "/opt/programs/node_modules/@modelcontextprotocol"
_PYTHON = {"env": {"PYTHONPATH": "/opt/programs/node_modules/.python"}, "memory_mb": 512}
_NODE = {"memory_mb": 1024}
_IN_GIT = "git init -q /tmp/r && exec /usr/bin/python3 -m mcp_server_git --repository /tmp/r"
COMMANDS: dict[str, Any] = {
    "everything": {"command": ["node", f"{_PACKAGES}/server-everything/dist/index.js", "stdio"], **_NODE},
    "filesystem": {"command": ["node", f"{_PACKAGES}/server-filesystem/dist/index.js", "/tmp"], **_NODE},
    "memory": {
        "command": ["node", f"{_PACKAGES}/server-memory/dist/index.js"],
        "env": {"MEMORY_FILE_PATH": "/tmp/memory.jsonl"},
        **_NODE,
    },
    "git": {"command": ["/bin/sh", "-c", _IN_GIT], **_PYTHON},
    "time": {"command": ["/usr/bin/python3", "-m", "mcp_server_time", "--local-timezone", "UTC"], **_PYTHON},
}


@pytest.fixture(scope="module")
def sandbox(programs: Programs) -> Iterator[Served]:
    if shutil.which("node", path="/usr/bin:/bin") is None:
        pytest.fail("The sandbox shows /usr, where there is no node. Install nodejs (20 or newer) for these tests.")
    with serving("--programs", str(FOLDER)) as made:
        yield made


@pytest.fixture
def catalogue(settings: Any, sandbox: Served, tmp_path: Path) -> None:
    path = tmp_path / "catalogue.json"
    path.write_text(sign_catalogue(json.dumps({"commands": COMMANDS})))
    settings.MCP_CATALOGUE, settings.SANDBOX_SOCKET = str(path), sandbox.socket


class Calls:
    """Calls tools of a server as one run does."""

    def __init__(self, place: ServerPlace, room: ToolRoom, offered: dict[str, OfferedTool]) -> None:
        self._place = place
        self._room = room
        self.offered = offered
        self.told: list[str] = []

    async def __call__(self, tool: str, **arguments: Any) -> Any:
        made = ADAPTERS[self._place.kind].tool(self._place, self.offered[tool], self._room)
        return await made.call(arguments, on=Occasion("k", emit=self.told.append))


async def read(place: ServerPlace, room: ToolRoom) -> Calls:
    found = await ADAPTERS[place.kind].read(place, room, document=None)
    broken = {tool.name: tool.trouble for tool in found.tools if tool.trouble}
    assert not broken
    return Calls(place, room, {tool.name: tool for tool in found.tools})


async def of_command(name: str) -> Calls:
    place = ServerPlace(new_id(), name, "mcp_stdio", config={"command": name})
    return await read(place, ToolRoom(run_id=new_id()))


@pytest.mark.usefixtures("catalogue")
async def test_everything_in_the_sandbox() -> None:
    ask = await of_command("everything")
    assert (await ask("echo", message="hello"))["text"] == "Echo: hello"
    assert "5" in (await ask("get-sum", a=2, b=3))["text"]
    slow = await ask("trigger-long-running-operation", duration=1, steps=2)
    assert "completed" in slow["text"]
    assert ask.told[:2] == ["1 of 2\n", "2 of 2\n"]
    picture = await ask("get-tiny-image")
    assert picture["left_out"][0]["type"] == "image/png"
    resources = (await ask("read_resource"))["text"].splitlines()
    assert (await ask("read_resource", uri=resources[0].split()[0]))["text"]
    assert "simple-prompt" in (await ask("get_prompt"))["text"]
    assert (await ask("get_prompt", name="simple-prompt"))["text"]


@pytest.mark.usefixtures("catalogue")
async def test_files_and_a_memory_in_the_sandbox_that_last_as_long_as_the_run() -> None:
    files = await of_command("filesystem")
    await files("write_file", path="/tmp/note.txt", content="kept")
    assert (await files("read_text_file", path="/tmp/note.txt"))["text"] == "kept"
    with pytest.raises(Exception, match=r"outside|denied"):
        await files("read_text_file", path="/etc/passwd")
    memory = await of_command("memory")
    entity = {"name": "Ada", "entityType": "person", "observations": ["writes programs"]}
    await memory("create_entities", entities=[entity])
    assert "Ada" in (await memory("search_nodes", query="Ada"))["text"]


@pytest.mark.usefixtures("catalogue")
async def test_git_and_time_in_the_sandbox() -> None:
    git = await of_command("git")
    assert "No commits yet" in (await git("git_status", repo_path="/tmp/r"))["text"]
    clock = await of_command("time")
    said = json.loads((await clock("get_current_time", timezone="Europe/Berlin"))["text"])
    assert said["timezone"] == "Europe/Berlin"


@asynccontextmanager
async def everything_over(programs: Programs, transport: str) -> AsyncIterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    child = await asyncio.create_subprocess_exec(
        *programs.script("@modelcontextprotocol/server-everything", "dist/index.js"),
        transport,
        env={**programs.variables, "PORT": str(port)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(30):
            while not await _listens(port):
                assert child.returncode is None
                await asyncio.sleep(0.1)
        yield port
    finally:
        child.kill()
        await child.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


@pytest.mark.parametrize(
    ("transport", "path", "said"),
    [("streamableHttp", "/mcp", ""), ("sse", "/sse", ""), ("sse", "/sse", "sse")],
    ids=["http", "older, found out", "older, said"],
)
async def test_everything_over_http(programs: Programs, transport: str, path: str, said: str) -> None:
    async with everything_over(programs, transport) as port:
        config = {"transport": said} if said else {}
        place = ServerPlace(new_id(), "everything", "mcp_http", f"http://127.0.0.1:{port}{path}", config=config)
        room = ToolRoom(egress=EgressPolicy(allow=parse_egress_allow(f"127.0.0.1:{port}")), run_id=new_id())
        ask = await read(place, room)
        assert (await ask("echo", message="hello"))["text"] == "Echo: hello"
        await ask("trigger-long-running-operation", duration=1, steps=2)
        assert ask.told[:2] == ["1 of 2\n", "2 of 2\n"]
