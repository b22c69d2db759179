# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The example by which the documentation follows a run does what it says."""

import asyncio
import re
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings

from tests.agents.live import Event, seqs, served, writing_down
from tests.agents.test_worker import accept
from tests.factories import World


def example(language: str) -> str:
    """Return the one example in a language of how to follow a run."""
    text = (settings.BASE_DIR / "docs" / "api.md").read_text(encoding="utf-8")
    (block,) = re.findall(rf"```{language}\n(.*?)```", text[text.index("### Over a WebSocket") :], re.DOTALL)
    return str(block)


async def test_the_program_follows_a_run(committed_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, Any] = {}
    exec(example("python"), names)  # noqa: S102 - our own documentation
    run_id: UUID = await asyncio.to_thread(accept, committed_world.dev)
    monkeypatch.setenv("TOKEN", committed_world.dev.token)
    monkeypatch.setattr("agents.consumers.FOLLOW_SECONDS", 0.2)

    async def follow(run: object) -> list[Event]:
        return [event async for event in names["follow"](run)]

    async with served() as product, writing_down(run_id) as scribe:
        monkeypatch.setenv("URL", f"http://127.0.0.1:{product.port}")
        following = asyncio.create_task(follow(run_id))
        for number in range(3):
            await scribe.write(text=str(number))
            await asyncio.sleep(0.3)  # longer than one stream lasts, so that it has to come back
        await scribe.finish()
        assert seqs(await asyncio.wait_for(following, 20)) == [1, 2, 3, 4]
        assert await asyncio.wait_for(follow("nothing"), 20) == []
