# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The files of runs: they live across steps, are kept behind each one, and are what a run goes on with, wherever."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.conf import settings as django_settings

from accounts.tenancy import tenant
from agents.adapters import expiry
from agents.adapters.database_threads import DatabaseThreads
from agents.adapters.folders import Folder
from agents.adapters.toolbox import BuiltInToolbox
from agents.adapters.tools.room import ToolRoom
from agents.adapters.workspaces.past import RunPast
from agents.adapters.workspaces.workspace import Workspace
from agents.engine.gate import Occasion
from agents.engine.workspaces.errors import (
    WorkspaceFileNotFound,
    WorkspaceFull,
    WorkspaceGone,
    WorkspaceMoved,
    WorkspacesUnavailable,
)
from agents.models import WorkspaceSnapshot
from codexos.kernel import clock
from codexos.kernel.chat import ContextDocument
from codexos.kernel.ids import new_id
from rag.models import Blob, BlobHold
from rag.operations.keeping import hold_bytes, keep_bytes, read_bytes
from rag.workers.sweeping import GRACE, sweep
from sandbox.folders import Folders, Quota
from tests.agents.engine.stage import chain
from tests.agents.test_runs import run_agent, working
from tests.factories import World
from tests.fakes.folders import served_folders


@pytest.fixture
def folders(tmp_path: Path, settings: Any) -> Iterator[Folders]:
    """The folders of one machine, and a storage of its own."""
    settings.BLOB_FOLDER = tmp_path / "blobs"
    with served_folders(tmp_path / "folders", quota=Quota(bytes=2_000_000, files=200)) as (running, address):
        settings.FOLDER_SOCKET = address
        yield running


@pytest.fixture
async def in_thread() -> Any:
    threads = DatabaseThreads(2, name="test")
    yield threads
    await threads.close()


def tool(id: str, name: str, **arguments: Any) -> dict[str, Any]:
    return {"id": id, "type": "tool", "tool": name, "arguments": arguments}


async def a_run(world: World, **more: Any) -> UUID:
    """A run that has come to its end, for its row."""
    with working():
        done = (
            await run_agent(world.dev, {"agent_id": "a", "flow": chain(tool("s", "WebSearch", query="x")), **more})
        ).json()
    assert done["status"] == "succeeded", done
    return UUID(done["id"])


def workspace_of(
    world: World, run_id: UUID, in_thread: Any, *, settings: Any, name: str = "", **more: Any
) -> Workspace:
    """The workspace of a run as some machine has it, whose folder has a ``name``."""
    past = RunPast(world.acme.id, run_id, line=more.pop("line", ""))
    return Workspace(Folder(str(settings.FOLDER_SOCKET), name or str(run_id)), past=past, in_thread=in_thread, **more)


async def write(workspace: Workspace, key: str, **files: str | None) -> Any:
    async with workspace.turn(Occasion(key, "step")) as turn:
        for path, text in files.items():
            if text is None:
                await turn.folder.remove(path)
            else:
                await turn.folder.write(path, text.encode())
    return turn.told


async def read(workspace: Workspace, path: str) -> str:
    async with workspace.look() as folder:
        return (await folder.read(path, length=1000))[0].decode()


async def test_files_live_across_the_steps_of_a_run(committed_world: World, folders: Folders) -> None:
    flow = chain(
        tool("write", "FileWrite", path="src/app.py", text="def add(a, b):\n    return a - b\n"),
        tool("find", "FileSearch", text="return", files="*.py"),
        tool("mend", "FileWrite", path="src/app.py", old_text="a - b", new_text="a + b"),
        tool("look", "FileRead", path="src/app.py"),
        tool("all", "FileRead", path="."),
    )
    with working():
        done = (await run_agent(committed_world.dev, {"agent_id": "a", "flow": flow, "input": "hi"})).json()
    assert done["status"] == "succeeded", done
    assert done["result"]["output"]["text"] == "src/\nsrc/app.py\n"
    run_id = UUID(done["id"])

    def rows() -> list[Any]:
        with tenant(committed_world.acme.id):
            found = WorkspaceSnapshot.objects.for_organization(committed_world.acme.id).filter(run_id=run_id)
            return list(found.order_by("number").values_list("node_id", "changed", "file_count"))

    assert await asyncio.to_thread(rows) == [
        ("write", [["added", "src/app.py"]], 1),
        ("mend", [["changed", "src/app.py"]], 1),
    ]
    # What it worked in goes with its end; what it made of it is kept.
    assert list(folders.root.iterdir()) == []


async def test_another_machine_goes_on_with_exactly_these_files(
    committed_world: World, folders: Folders, in_thread: Any, settings: Any
) -> None:
    run_id = await a_run(committed_world)
    here = workspace_of(committed_world, run_id, in_thread, settings=settings)
    await write(here, "k1", a="1", b="2")
    async with here.turn(Occasion("k2")) as turn:
        place = folders.place(turn.folder.name)
        (place / "run.sh").write_text("#!/bin/sh\n")
        (place / "run.sh").chmod(0o755)
        (place / "link").symlink_to("run.sh")
        (place / "refs" / "heads").mkdir(parents=True)
        (place / "nothing").touch()
        (place / "large").write_bytes(bytes(range(256)) * 4000)
    assert sorted(turn.told["changed"]) == ["added large", "added link", "added nothing", "added run.sh"]
    there = workspace_of(committed_world, run_id, in_thread, settings=settings, name="elsewhere")
    assert await read(there, "a") == "1"
    now = folders.scan("elsewhere").files
    assert now == folders.scan(str(run_id)).files
    assert (folders.place("elsewhere") / "run.sh").stat().st_mode & 0o111
    assert (folders.place("elsewhere") / "refs" / "heads").is_dir()
    # And what is kept is kept once: nothing new is stored for going on.
    assert (await write(there, "k3", a="1"))["changed"] == []


async def test_a_call_that_fails_leaves_the_files_as_they_were(
    committed_world: World, folders: Folders, in_thread: Any, settings: Any
) -> None:
    workspace = workspace_of(committed_world, await a_run(committed_world), in_thread, settings=settings)
    await write(workspace, "k1", a="1")

    async def spoil() -> None:
        async with workspace.turn(Occasion("k2")) as turn:
            await turn.folder.write("a", b"spoilt")
            await turn.folder.write("b/c", b"new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await spoil()
    assert await read(workspace, "a") == "1"
    with pytest.raises(WorkspaceFileNotFound):
        await read(workspace, "b/c")


async def test_a_workspace_that_grew_too_large_is_put_back(
    committed_world: World, folders: Folders, in_thread: Any, settings: Any
) -> None:
    workspace = workspace_of(committed_world, await a_run(committed_world), in_thread, settings=settings)
    await write(workspace, "k1", a="1")

    async def fill() -> None:
        async with workspace.turn(Occasion("k2")) as turn:
            for name in ("x", "y", "z"):
                (folders.place(turn.folder.name) / name).write_bytes(b"x" * 900_000)

    with pytest.raises(WorkspaceFull, match="2000000 bytes"):
        await fill()
    assert sorted(folders.scan(workspace.folder.name).files) == ["a"]


async def test_a_call_that_was_cut_begins_with_what_it_began_with(
    committed_world: World, folders: Folders, in_thread: Any, settings: Any
) -> None:
    run_id = await a_run(committed_world)
    first = workspace_of(committed_world, run_id, in_thread, settings=settings)
    await write(first, "k1", log="one\n")
    # The worker dies behind this call, before the journal hears of it.
    await write(first, "k2", log="one\ntwo\n")
    second = workspace_of(committed_world, run_id, in_thread, settings=settings, name="elsewhere")
    async with second.turn(Occasion("k2")) as turn:
        before = (await turn.folder.read("log", length=100))[0]
        await turn.folder.write("log", before + b"two\n")
    assert await read(second, "log") == "one\ntwo\n"
    # And one that dies within the call, with the folder half written.
    third = workspace_of(committed_world, run_id, in_thread, settings=settings, name="elsewhere")
    await third.folder.mark(None)
    await third.folder.write("log", b"half")
    assert await read(third, "log") == "one\ntwo\n"


async def test_calls_take_turns(committed_world: World, folders: Folders, in_thread: Any, settings: Any) -> None:
    workspace = workspace_of(committed_world, await a_run(committed_world), in_thread, settings=settings)
    await write(workspace, "k", log="")

    async def add(number: int) -> None:
        async with workspace.turn(Occasion(f"k{number}")) as turn:
            before = (await turn.folder.read("log", length=1000))[0]
            await asyncio.sleep(0)
            await turn.folder.write("log", before + b"%d\n" % number)

    await asyncio.gather(*(add(number) for number in range(5)))
    assert sorted((await read(workspace, "log")).split()) == list("01234")


async def test_a_talk_hands_its_files_on_and_two_runs_of_it_do_not_mix(
    committed_world: World, folders: Folders, in_thread: Any, settings: Any
) -> None:
    ids = [await a_run(committed_world) for _ in range(3)]
    first, second, third = (
        workspace_of(committed_world, each, in_thread, settings=settings, line="flow/me/talk") for each in ids
    )
    await write(first, "k", notes="one")
    assert await read(second, "notes") == "one"
    assert await read(third, "notes") == "one"
    await write(third, "k", notes="three")
    with pytest.raises(WorkspaceMoved):
        await write(second, "k", notes="two")
    assert await read(third, "notes") == "three"
    stranger = workspace_of(
        committed_world, await a_run(committed_world), in_thread, settings=settings, line="flow/you/talk"
    )
    with pytest.raises(WorkspaceFileNotFound):
        await read(stranger, "notes")


async def test_a_run_begins_with_the_texts_it_was_given(
    committed_world: World, folders: Folders, in_thread: Any, settings: Any
) -> None:
    run_id = await a_run(committed_world)
    documents = [ContextDocument("data/birds.csv", "name\nkea\n")]
    workspace = workspace_of(committed_world, run_id, in_thread, settings=settings, documents=documents)
    assert await read(workspace, "data/birds.csv") == "name\nkea\n"


async def test_a_run_that_goes_on_from_another_begins_with_its_files(committed_world: World, folders: Folders) -> None:
    flow = chain(
        tool("one", "FileWrite", path="a", text="1"),
        tool("two", "FileWrite", path="a", text="2"),
        tool("look", "FileRead", path="a"),
    )
    with working():
        first = (await run_agent(committed_world.dev, {"agent_id": "a", "flow": flow, "input": "hi"})).json()
        assert first["result"]["output"]["text"] == "2"
        shutil.rmtree(folders.root / first["id"], ignore_errors=True)
        client = await asyncio.to_thread(_client, committed_world)
        again = await asyncio.to_thread(client.post, f"/api/v1/runs/{first['id']}/rerun/", {"from": "look"}, "json")
        assert again.status_code in (200, 201, 202), again.content
        child = await _ended(client, again.json()["id"])
    assert child["result"]["output"]["text"] == "2"


def _client(world: World) -> Any:
    from tests.factories import client_for

    return client_for(world.dev)


async def _ended(client: Any, run_id: str) -> Any:
    for _ in range(200):
        found = (await asyncio.to_thread(client.get, f"/api/v1/runs/{run_id}/")).json()
        if found["status"] not in {"queued", "running"}:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("the run does not end")


async def test_a_file_that_is_to_be_fetched_is_shown_as_it_will_stand(
    folders: Folders, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stored(_room: ToolRoom, _path: str, *, most: int) -> bytes:
        return b"kakapo\n"

    monkeypatch.setattr("agents.adapters.tools.file_write.read_project_bytes", stored)
    toolbox = BuiltInToolbox(ToolRoom(files=Workspace(Folder(str(settings.FOLDER_SOCKET), "fetching"))))
    shown = await toolbox.preview("FileWrite", {"path": "bird.txt", "from_project": "birds/bird.txt"})
    assert shown is not None
    assert "+kakapo" in shown


async def test_nobody_reaches_the_files_of_another_organization(
    committed_world: World, folders: Folders, in_thread: Any, settings: Any
) -> None:
    run_id = await a_run(committed_world)
    await write(workspace_of(committed_world, run_id, in_thread, settings=settings), "k", a="1")
    foreign = RunPast(committed_world.other.id, run_id)
    assert await in_thread(foreign.newest) is None
    with pytest.raises(WorkspaceGone):
        await in_thread(foreign.point, new_id())


async def test_what_only_looks_like_a_told_state_gives_nobody_the_files_of_another_run(
    committed_world: World, folders: Folders, in_thread: Any, settings: Any
) -> None:
    run_id = await a_run(committed_world)
    told = await write(workspace_of(committed_world, run_id, in_thread, settings=settings), "k", a="1")
    # given an input that speaks of files as a tool does
    other = await a_run(committed_world, input={"workspace": {"snapshot": told["snapshot"], "changed": []}})
    assert await in_thread(RunPast(committed_world.acme.id, other).newest) is None


async def test_a_service_that_is_away_is_said_to_be(settings: Any, tmp_path: Path) -> None:
    folder = Folder(str(tmp_path / "nobody.sock"), "x")
    with pytest.raises(WorkspacesUnavailable, match="nobody answers"):
        await folder.scan()


def owners_address() -> str:
    """Where the tables' owner connects to the database of this test."""
    address = os.environ["DATABASE_OWNER_URL"]
    known = address.partition("?")[0].rpartition("/")[2]
    return address.replace(f"/{known}", f"/{django_settings.DATABASES['default']['NAME']}")


async def test_files_go_with_the_content_of_their_run(
    committed_world: World, folders: Folders, in_thread: Any, settings: Any, truth: psycopg.Connection
) -> None:
    run_id = await a_run(committed_world)
    await write(workspace_of(committed_world, run_id, in_thread, settings=settings), "k", a="1" * 100)
    kept = [each for each in settings.BLOB_FOLDER.rglob("*") if each.is_file()]
    assert kept

    def expire() -> None:
        with psycopg.connect(owners_address(), autocommit=True) as owner:
            expiry.expire(owner, [run_id], days=30, now=clock.now())
        with tenant(committed_world.acme.id):
            assert not WorkspaceSnapshot.objects.for_organization(committed_world.acme.id).exists()
            assert not BlobHold.objects.for_organization(committed_world.acme.id).exists()
            Blob.objects.for_organization(committed_world.acme.id).update(wanted_at=clock.now() - 2 * GRACE)
        assert sweep(committed_world.acme.id) == len(kept)

    await in_thread(expire)
    assert not [each for each in kept if each.exists()]


def test_bytes_that_are_held_are_not_swept(committed_world: World, settings: Any, tmp_path: Path) -> None:
    settings.BLOB_FOLDER = tmp_path / "blobs"
    acme, holder = committed_world.acme.id, new_id()
    kept = keep_bytes(acme, holder=holder, chunks=[b"some ", b"bytes"], limit_bytes=100)
    with tenant(acme):
        Blob.objects.for_organization(acme).update(wanted_at=clock.now() - 2 * GRACE)
    assert sweep(acme) == 0
    assert b"".join(read_bytes(acme, kept.sha256)) == b"some bytes"
    assert b"".join(read_bytes(acme, kept.sha256, start=5, length=3)) == b"byt"
    assert hold_bytes(acme, holder=new_id(), hashes=[kept.sha256])
    assert not hold_bytes(acme, holder=new_id(), hashes=[kept.sha256, "0" * 64])
    assert not hold_bytes(committed_world.other.id, holder=new_id(), hashes=[kept.sha256])
