# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Code in real runs: a flow's own step runs in the real sandbox, and its result is in the journal with its files."""

import asyncio
from pathlib import Path
from typing import Any

from django.test import Client

from agents.queries.artefacts import find_artefact
from codexos.kernel.ids import new_id
from rag.operations.keeping import keep_bytes
from tests.agents.engine.stage import chain
from tests.agents.test_tools import run
from tests.factories import Someone, World, sign_in
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
    (left,) = output["files"]
    assert (left["text"], left["is_kept"], left["content"]) == ("42", True, None)


DRAW = """
import pathlib
import matplotlib.pyplot as plots
plots.plot([1, 2])
pathlib.Path("/out/page.html").write_text("<script>alert(1)</script>")
pathlib.Path("/out/lie.png").write_text("<script>alert(1)</script>")
"""


async def test_what_a_step_drew_is_shown_and_what_it_left_can_be_had_and_runs_nowhere(
    committed_world: World, served: Served, settings: Any, tmp_path: Path
) -> None:
    # given
    settings.SANDBOX_SOCKET, settings.BLOB_FOLDER = served.socket, tmp_path / "blobs"
    steps = [{"id": id, "type": "tool", "tool": "PythonExec", "arguments": {"code": DRAW}} for id in ("draw", "again")]
    found = await run(committed_world, dict(chain(*steps)))
    assert found["status"] == "succeeded", found
    # when people look
    part, place = f"/runs/{found['id']}/step/?node=draw", f"/runs/{found['id']}/artefact/?node=draw&name="
    viewer = await asyncio.to_thread(signed_in, committed_world.viewer)
    page = await asyncio.to_thread(viewer.get, part)
    sent = {name: await asyncio.to_thread(got, viewer, place + name) for name in NAMES}
    # then
    assert 'name=figure-1.png" alt="figure-1.png"' in page.content.decode()
    assert b"base64" not in page.content
    assert sent["figure-1.png"][1].startswith(b"\x89PNG")
    assert [sent[name][0]["Content-Type"] for name in NAMES] == ["image/png", *["application/octet-stream"] * 2]
    for headers, _ in sent.values():
        assert headers["Content-Disposition"].startswith("attachment")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in headers["Content-Security-Policy"]
    # Nobody else, and nothing that the step did not leave.
    stranger = await asyncio.to_thread(signed_in, committed_world.stranger)
    stranger = await asyncio.to_thread(stranger.get, place + "figure-1.png")
    nothing = await asyncio.to_thread(viewer.get, place + "other.png")
    assert (stranger.status_code, nothing.status_code) == (404, 404)


NAMES = ("figure-1.png", "page.html", "lie.png")


def signed_in(who: Someone) -> Client:
    client = Client()
    sign_in(client, who.person)
    return client


def got(client: Client, address: str) -> tuple[Any, bytes]:
    answer: Any = client.get(address)
    assert answer.status_code == 200, answer
    return answer.headers, b"".join(answer.streaming_content)


async def test_a_result_that_only_names_what_another_run_has_gives_nothing(
    committed_world: World, settings: Any, tmp_path: Path
) -> None:
    # given bytes that another run of the same organization holds, and a flow whose step tells of them
    settings.BLOB_FOLDER = tmp_path / "blobs"
    kept = await asyncio.to_thread(
        keep_bytes, committed_world.acme.id, holder=new_id(), chunks=[b"MARKER"], limit_bytes=9
    )
    told = {"name": "a.txt", "size": 6, "sha256": kept.sha256, "media_type": "text/plain", "is_kept": True}
    found = await run(committed_world, dict(chain()), input={"files": [told]})
    seen, _ = await asyncio.to_thread(find_artefact, committed_world.dev.actor, found["id"], step="start", name="a.txt")
    # then it is seen there, and not had by them
    assert seen is not None
    dev = await asyncio.to_thread(signed_in, committed_world.dev)
    there = await asyncio.to_thread(dev.get, f"/runs/{found['id']}/artefact/?node=start&name=a.txt")
    assert there.status_code == 404
