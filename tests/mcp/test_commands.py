# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Commands as tool servers: only those of a signed catalogue, and only inside the sandbox."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from agents.adapters.shelves.adapters import ADAPTERS
from agents.adapters.shelves.kinds import ServerPlace
from agents.adapters.shelves.mcp_client.catalogue import catalogue
from agents.adapters.tools.room import ToolRoom
from agents.engine.gate import Occasion
from agents.errors import ToolServerInvalid, ToolUnavailable
from agents.errors.mcp import CatalogueInvalid
from agents.operations.catalogues import sign_catalogue
from codexos.kernel.egress import EgressPolicy, parse_egress_allow
from codexos.kernel.ids import new_id
from codexos.kernel.sealing import new_key, verifying_key
from tests.kernel.local_server import LocalServer, answer
from tests.sandbox.conftest import Served, serving

# A server of one tool, without any library: it says what it is asked, and what it can see.
SERVER = """
import json, os, socket, sys, urllib.request

def reach():
    try:
        socket.create_connection(("1.1.1.1", 53), timeout=1).close()
        return "reached"
    except OSError:
        return "nothing"

def fetch(address):
    # What is local is asked for here as what is elsewhere: by the proxy, where there is one.
    os.environ.pop("no_proxy", None), os.environ.pop("NO_PROXY", None)
    try:
        return urllib.request.urlopen(address, timeout=5).read().decode() if address else None
    except OSError as error:
        return str(error)

TOOL = {"name": "look", "description": "Looks around.", "inputSchema": {"type": "object", "properties": {}}}
for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked:
        continue
    method = asked["method"]
    if method == "initialize":
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                  "serverInfo": {"name": "looker", "version": "1"}}
    elif method == "tools/list":
        result = {"tools": [TOOL]}
    elif method == "tools/call":
        seen = {"env": dict(os.environ), "network": reach(), "home": os.path.exists("/root"), "uid": os.getuid(),
                "fetched": fetch(os.environ.get("FETCH"))}
        result = {"content": [{"type": "text", "text": json.dumps(seen)}]}
    else:
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32601, "message": "no"}}), flush=True)
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"""
FLOOD = "import sys\nwhile True: sys.stdout.write('x' * 65536)"
COMMANDS = {
    "look": {"command": ["/usr/bin/python3", "/opt/programs/look.py"], "env": {"MODE": "test"}, "key_env": "LOOK_KEY"},
    "flood": {"command": ["/usr/bin/python3", "/opt/programs/flood.py"]},
    "gone": {"command": ["/opt/programs/nothing"]},
}


@pytest.fixture
def listed(settings: Any, tmp_path: Path) -> Path:
    """A catalogue signed for this installation."""
    path = tmp_path / "catalogue.json"
    settings.MCP_CATALOGUE = str(path)
    path.write_text(sign_catalogue(json.dumps({"commands": COMMANDS})))
    return path


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as made:
        programs = Path(made.socket).parent / "programs"
        (programs / "look.py").write_text(SERVER)
        (programs / "flood.py").write_text(FLOOD)
        yield made


def command(name: str, **more: Any) -> ServerPlace:
    return ServerPlace(new_id(), "local", "mcp_stdio", config={"command": name, **more})


def test_only_what_the_operator_signed_is_a_catalogue(listed: Path, settings: Any) -> None:
    assert set(catalogue().entries) == {"look", "flood", "gone"}
    # changed by somebody who can write the file and has no key
    said = json.loads(listed.read_text())
    said["commands"]["look"]["command"] = ["/bin/sh", "-c", "id"]
    listed.write_text(json.dumps(said))
    with pytest.raises(CatalogueInvalid, match="not signed"):
        catalogue()
    # signed by somebody else
    listed.write_text(sign_catalogue(json.dumps({"commands": COMMANDS}), seed=new_key()) + " ")
    with pytest.raises(CatalogueInvalid, match="not signed"):
        catalogue()
    # signed by the operator, whose key is named
    seed = new_key()
    settings.MCP_CATALOGUE_KEY = verifying_key(seed).hex()
    listed.write_text(sign_catalogue(json.dumps({"commands": COMMANDS}), seed=seed) + "  ")
    assert "look" in catalogue().entries
    listed.write_text("{")
    with pytest.raises(CatalogueInvalid, match="cannot be read"):
        catalogue()
    listed.unlink()
    assert catalogue().entries == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"Look": {"command": ["x"]}},
        {"look": {"command": "x y"}},
        {"look": {"command": []}},
        {"look": {"command": ["x"], "shell": True}},
        {"look": {"command": ["x"], "env": {"a b": "c"}}},
        {"look": {"command": ["x"], "memory_mb": 10**9}},
        {"look": {"command": ["x"], "hosts": "example.com"}},
        {"look": {"command": ["x"], "hosts": ["https://example.com/"]}},
    ],
)
def test_what_no_catalogue_says_is_not_signed(wrong: Any) -> None:
    with pytest.raises(CatalogueInvalid):
        sign_catalogue(json.dumps({"commands": wrong}))


def test_the_command_line_signs_and_lists(settings: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings.MCP_CATALOGUE = str(tmp_path / "kept.json")
    source = tmp_path / "mine.json"
    source.write_text(json.dumps({"commands": COMMANDS}))
    call_command("mcp_catalogue", sign=str(source))
    assert "look: /usr/bin/python3 /opt/programs/look.py" in capsys.readouterr().out
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("mcp_catalogue", sign=str(tmp_path / "nothing"))


def test_a_server_names_a_command_and_says_nothing_else_of_it(listed: Path) -> None:
    check = ADAPTERS["mcp_stdio"].check
    check(command("look"))
    for wrong in (command("sh"), command("look", args=["-c", "id"]), command("look", env={"A": "b"}), command("")):
        with pytest.raises(ToolServerInvalid):
            check(wrong)


async def test_a_command_is_called_inside_the_sandbox(listed: Path, served: Served, settings: Any) -> None:
    # given
    settings.SANDBOX_SOCKET = served.socket
    adapter, place = ADAPTERS["mcp_stdio"], command("look")
    room = ToolRoom(run_id=new_id())
    # when
    (tool,) = (await adapter.read(place, room, document=None)).tools
    said = await adapter.tool(place, tool, room).call({}, on=Occasion("k"))
    # then it saw nothing of ours
    seen = json.loads(said["text"])  # type: ignore[call-overload, index]
    assert (seen["network"], seen["home"], seen["uid"]) == ("nothing", False, 1000)
    assert seen["env"]["MODE"] == "test"
    assert not [name for name in seen["env"] if name.startswith(("CODEXOS", "DATABASE", "REDIS", "DJANGO"))]
    assert adapter.tool(place, tool, room).spec.capabilities == ("read", "write", "exec")


@pytest.mark.parametrize("allowed", [True, False])
async def test_a_command_reaches_the_hosts_that_its_entry_names_and_nothing_without(
    settings: Any, tmp_path: Path, served: Served, allowed: bool
) -> None:
    # given
    settings.SANDBOX_SOCKET, settings.MCP_CATALOGUE = served.socket, str(tmp_path / "catalogue.json")
    with LocalServer(lambda asked: [answer(b"hello from outside")]) as outside:
        entry = {**COMMANDS["look"], "env": {"FETCH": outside.url("/x")}}
        entry |= {"hosts": ["127.0.0.1"]} if allowed else {}
        written = sign_catalogue(json.dumps({"commands": {"look": entry}}))
        await asyncio.to_thread(Path(settings.MCP_CATALOGUE).write_text, written)
        room = ToolRoom(egress=EgressPolicy(allow=parse_egress_allow(f"127.0.0.1:{outside.port}")))
        adapter, place = ADAPTERS["mcp_stdio"], command("look")
        # when
        (tool,) = (await adapter.read(place, room, document=None)).tools
        said = await adapter.tool(place, tool, room).call({}, on=Occasion("k"))
        asked = [each.path for each in outside.asked]
    # then
    seen = json.loads(said["text"])  # type: ignore[call-overload, index]
    assert (seen["fetched"] == "hello from outside", asked) == (allowed, ["/x"] if allowed else [])
    reaches = ("egress:127.0.0.1",) if allowed else ()
    assert adapter.tool(place, tool, room).spec.capabilities == ("read", "write", "exec", *reaches)


@pytest.mark.parametrize("name", ["flood", "gone"])
async def test_a_command_that_misbehaves_is_ended(listed: Path, served: Served, settings: Any, name: str) -> None:
    settings.SANDBOX_SOCKET = served.socket
    with pytest.raises(ToolUnavailable):
        await ADAPTERS["mcp_stdio"].read(command(name), ToolRoom(), document=None)
