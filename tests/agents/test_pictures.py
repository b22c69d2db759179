# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pictures among the files of a run: shown to models that see, refused for those that do not, never read as text."""

import asyncio
import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from rag.operations.files import store_file
from rag.queries.context import MOST_PICTURE_BYTES
from tests.agents.test_runs import run_agent, working
from tests.factories import World
from tests.fakes.openai import Provider, serve_provider
from tests.llm.setting_up import connect, deploy

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
WEBP = b"RIFF\x20\x00\x00\x00WEBPVP8 " + bytes(24)


@pytest.fixture(autouse=True)
def blob_folder(settings: LazySettings, tmp_path: Path) -> None:
    settings.BLOB_FOLDER = tmp_path / "blobs"


@pytest.fixture
def server(settings: LazySettings) -> Iterator[Provider]:
    settings.EGRESS_ALLOW = "127.0.0.1"
    with serve_provider() as provider:
        yield provider


def put(world: World, **files: bytes) -> None:
    for name, content in files.items():
        store_file(world.dev.actor, world.project.id, path=name.replace("_", "."), chunks=[content])


def set_up(world: World, server: Provider, **files: bytes) -> None:
    put(world, **files)
    row = connect(world.admin.actor, server)
    deploy(world.admin.actor, row, "eyes", capabilities=["images"])
    deploy(world.admin.actor, row, "blind", capabilities=["tools"])


def asked(model: str, *context: str, images: Any = "{{ input.shown }}") -> dict[str, Any]:
    nodes = [
        {"id": "start", "type": "entry", "next": "look"},
        {"id": "look", "type": "llm", "model": model, "prompt": "What is it?", "images": images, "next": "end"},
        {"id": "end", "type": "exit", "output": "{{ look.text }}"},
    ]
    return {
        "agent_id": "a",
        "flow": {"id": "looking", "nodes": nodes},
        "input": {"shown": list(context)},
        "context": list(context),
    }


async def test_a_model_with_eyes_is_shown_them_and_one_without_is_not_asked(
    committed_world: World, server: Provider
) -> None:
    await asyncio.to_thread(set_up, committed_world, server, lamp_png=PNG, sea_webp=WEBP)
    with working():
        seen = (await run_agent(committed_world.dev, asked("eyes", "lamp.png", "sea.webp"))).json()
        blind = (await run_agent(committed_world.dev, asked("blind", "lamp.png"))).json()
        offline = (await run_agent(committed_world.dev, asked("offline", "lamp.png"))).json()
        missing = (await run_agent(committed_world.dev, asked("eyes", "lamp.png", images="sea.webp"))).json()
    assert seen["status"] == "succeeded", seen
    (question,) = [body["messages"][-1]["content"] for body in server.asked]
    assert [part["type"] for part in question] == ["text", "image_url", "image_url"]
    assert question[2]["image_url"]["url"] == f"data:image/webp;base64,{base64.b64encode(WEBP).decode()}"
    assert "blind" in blind["error"]["message"]
    assert "set up without pictures" in blind["error"]["message"]
    assert "which it cannot see" in str(offline["logs"])
    assert "no picture 'sea.webp'. It has 'lamp.png'." in missing["error"]["message"]


async def test_what_models_are_not_shown_starts_nothing(committed_world: World, server: Provider) -> None:
    large = PNG + bytes(MOST_PICTURE_BYTES)
    await asyncio.to_thread(put, committed_world, large_png=large, song_mp3=b"ID3\x04\x00" + bytes(64))
    too_large = await run_agent(committed_world.dev, asked("eyes", "large.png"))
    assert (too_large.status_code, too_large.json()["code"]) == (422, "picture_unfit")
    assert "3,750,000 at most" in too_large.json()["detail"]
    song = await run_agent(committed_world.dev, asked("eyes", "song.mp3"))
    assert (song.status_code, song.json()["code"]) == (422, "context_unreadable")
