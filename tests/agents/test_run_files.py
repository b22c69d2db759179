# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The files of runs as people and programs see them: by step, in all, as a patch, and only their own organization's."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agents.operations.workspaces import access_files
from sandbox.folders import Folders
from tests.agents.engine.stage import chain
from tests.agents.test_runs import run_agent, working
from tests.agents.test_workspaces import folders, tool
from tests.factories import World, client_for, sign_in

__all__ = ["folders"]
FLOW = chain(
    tool("begin", "FileWrite", path="src/app.py", text="def add(a, b):\n    return a - b\n"),
    tool("mend", "FileWrite", path="src/app.py", old_text="a - b", new_text="a + b"),
    tool("more", "FileWrite", path="src/<b>.txt", text="<script>alert(1)</script>\n"),
)


@pytest.fixture
async def run_id(committed_world: World, folders: Folders) -> str:
    with working():
        done = (await run_agent(committed_world.dev, {"agent_id": "a", "flow": FLOW, "input": "hi"})).json()
    assert done["status"] == "succeeded", done
    return str(done["id"])


async def asked(who: Any, path: str) -> Any:
    return await asyncio.to_thread(lambda: client_for(who).get(f"/api/v1/runs/{path}"))


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


async def test_what_each_step_made_of_the_files(committed_world: World, run_id: str) -> None:
    told = (await asked(committed_world.viewer, f"{run_id}/workspace/")).json()
    assert [(step["node_id"], step["changed"]) for step in told["steps"]] == [
        ("begin", [["added", "src/app.py"]]),
        ("mend", [["changed", "src/app.py"]]),
        ("more", [["added", "src/<b>.txt"]]),
    ]
    assert told["changed"] == {"src/app.py": "changed", "src/<b>.txt": "added"}
    one = (await asked(committed_world.viewer, f"{run_id}/workspace/changes/?step=1")).json()
    assert (one["count"], one["added"], one["removed"]) == (1, 1, 1)
    assert "-    return a - b\n+    return a + b\n" in one["patch"]
    everything = (await asked(committed_world.viewer, f"{run_id}/workspace/changes/")).json()
    assert [(each["path"], each["kind"]) for each in everything["files"]] == [
        ("src/<b>.txt", "added"),
        ("src/app.py", "added"),
    ]


async def test_files_and_patches_are_taken_along(committed_world: World, run_id: str) -> None:
    who = committed_world.viewer
    listed = (await asked(who, f"{run_id}/workspace/files/?step=0")).json()["files"]
    assert [each["path"] for each in listed] == ["src/app.py"]
    for step, text in (("&step=0", "a - b"), ("&step=1", "a + b"), ("", "a + b")):
        found = await asked(who, f"{run_id}/workspace/file/?path=src/app.py{step}")
        assert text.encode() in await asyncio.to_thread(body, found)
    assert found["Content-Type"] == "application/octet-stream"
    assert found["Content-Disposition"] == 'attachment; filename="app.py"'
    assert "sandbox" in found["Content-Security-Policy"]
    patch = await asyncio.to_thread(body, await asked(who, f"{run_id}/workspace/patch/"))
    assert patch.startswith(b"diff --git a/src/<b>.txt b/src/<b>.txt\nnew file mode 100644\n")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("file/?path=nothing", 404),
        ("file/?path=../../etc/passwd", 404),
        ("file/?path=src", 404),
        ("changes/?step=9", 404),
        ("changes/?step=x", 422),
        ("files/?step=-1", 422),
    ],
)
async def test_what_is_not_there(committed_world: World, run_id: str, path: str, status: int) -> None:
    assert (await asked(committed_world.dev, f"{run_id}/workspace/{path}")).status_code == status


async def test_nobody_sees_the_files_of_another_organization(committed_world: World, run_id: str) -> None:
    for path in ("", "changes/", "files/", "patch/", "file/?path=src/app.py"):
        assert (await asked(committed_world.stranger, f"{run_id}/workspace/{path}")).status_code == 404
        assert (await asked(None, f"{run_id}/workspace/{path}")).status_code == 401


async def test_the_pages_show_what_changed(committed_world: World, run_id: str, client: Any) -> None:
    def pages() -> list[str]:
        sign_in(client, committed_world.viewer.person)
        return [client.get(f"/runs/{run_id}/{path}").content.decode() for path in ("", "files/", "files/?step=1")]

    run, files, step = await asyncio.to_thread(pages)
    for page in (run, files):
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "<script>alert" not in page
        assert "return a + b" in page
    assert 'class="del"' in step
    assert "alert" not in step


async def test_a_page_whose_files_cannot_be_read_shows_the_rest(
    committed_world: World, run_id: str, client: Any, settings: Any, tmp_path: Path
) -> None:
    settings.BLOB_FOLDER = tmp_path / "gone"

    def page() -> Any:
        sign_in(client, committed_world.viewer.person)
        return client.get(f"/runs/{run_id}/")

    assert (await asyncio.to_thread(page)).status_code == 200


async def test_what_was_checked_out_is_no_change(committed_world: World, run_id: str) -> None:
    def seen() -> Any:
        from accounts.tenancy import tenant
        from agents.models import WorkspaceSnapshot

        with tenant(committed_world.acme.id):
            rows = WorkspaceSnapshot.objects.for_organization(committed_world.acme.id)
            rows.filter(run_id=run_id, number=0).update(is_base=True)
        return access_files(committed_world.dev.actor, run_id).changes()

    changes = await asyncio.to_thread(seen)
    assert [(each.path, each.change.kind) for each in changes.files] == [
        ("src/<b>.txt", "added"),
        ("src/app.py", "changed"),
    ]
