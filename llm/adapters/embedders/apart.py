# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The embedded model in a process of its own (apart_program.py), for who must not load it: the web process.

Few and short texts, as questions are, go to one that stays (resident.py); many to one that lives for that call.
"""

import asyncio
import json
import pickle
import sys
from asyncio.subprocess import DEVNULL, PIPE
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from codexos.kernel.embeddings import BatchLimits, EmbeddedBatch, Purpose
from llm.adapters.apart import places_taken
from llm.adapters.embedders import apart_program
from llm.adapters.embedders.minilm import MiniLM
from llm.adapters.embedders.resident import is_small, resident
from llm.engine.vectors import unpacked
from llm.errors import EmbedderUnavailable

_COMMAND = (sys.executable, "-IB", str(Path(apart_program.__file__).resolve()))
MOST_TEXTS = 512
"""Loading takes a quarter of a second, so as many as there are go together."""


class EmbedderApart:
    """Keeps the port ``Embedder`` by another process, which has nothing but the texts."""

    def __init__(self, model: MiniLM) -> None:
        self.identity = model.identity
        self.model = model.model
        self.limits = BatchLimits(texts=MOST_TEXTS, characters=MOST_TEXTS * model.limits.characters)
        self._folder = model.folder

    async def embed(self, texts: Sequence[str], *, purpose: Purpose) -> EmbeddedBatch:
        """See the port. Raises EmbedderUnavailable, ModelOverloaded."""
        if is_small(texts):
            said = await resident(self._folder).embed(texts)
            return self._vectors(said, count=len(texts))
        with places_taken():
            process = await asyncio.create_subprocess_exec(
                *_COMMAND, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}, cwd="/"
            )
            try:
                told, _ = await process.communicate(pickle.dumps((self._folder, list(texts))))
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        return self._read(told, count=len(texts))

    def _read(self, told: bytes, *, count: int) -> EmbeddedBatch:
        try:
            said = json.loads(told)
        except ValueError:
            said = {}
        return self._vectors(said, count=count)

    def _vectors(self, said: dict[str, Any], *, count: int) -> EmbeddedBatch:
        try:
            vectors = [unpacked(b64decode(vector)) for vector in said["vectors"]]
        except (ValueError, KeyError, TypeError):
            said, vectors = {}, []
        if len(vectors) != count:
            because = said.get("error") or "the process that was to load it has ended"
            raise EmbedderUnavailable(model=self.model, because=because, instead="Run bin/up, which installs it")
        return EmbeddedBatch(vectors, said["tokens"])
