# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A question is embedded by a process that stays, and by its successor where it was killed or hangs."""

import asyncio
import signal
from pathlib import Path

import pytest

from codexos.kernel.embeddings import Vector, similarity
from llm.adapters.embedders import resident as residents
from llm.adapters.embedders.apart import EmbedderApart
from llm.adapters.embedders.minilm import MiniLM
from llm.adapters.embedders.resident import MOST_TEXTS, is_small, resident


def test_the_process_stays_and_is_replaced(tmp_path: Path) -> None:
    embedder = EmbedderApart(MiniLM(tmp_path))
    here = resident(tmp_path)

    def embed(text: str) -> Vector:
        return asyncio.run(embedder.embed([text], purpose="query")).vectors[0]

    first = embed("Where is auth?")
    process = here._process
    assert process is not None
    assert similarity(first, embed("Where is auth?")) > 0.999
    assert here._process is process
    process.kill()
    process.wait()
    assert similarity(first, embed("Where is auth?")) > 0.999
    assert here._process is not process
    here._end()


def test_one_that_hangs_holds_up_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    MiniLM(tmp_path)
    here = residents.Resident(tmp_path)
    assert asyncio.run(here.embed(["Where is auth?"]))["vectors"]
    stuck = here._process
    assert stuck is not None
    stuck.send_signal(signal.SIGSTOP)
    monkeypatch.setattr(residents, "MOST_SECONDS", 0.1)
    assert asyncio.run(here.embed(["Where is auth?"])) == {}
    assert stuck.poll() is not None
    monkeypatch.undo()
    assert asyncio.run(here.embed(["Where is auth?"]))["vectors"]
    here._end()


def test_only_questions_go_there() -> None:
    assert is_small(["Where is auth?"] * MOST_TEXTS)
    assert not is_small(["Where is auth?"] * (MOST_TEXTS + 1))
    assert not is_small(["a" * 20_000])
