# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The embedded model in a process of its own (apart_program.py), for who must not load it: the web process."""

import asyncio
import json
import pickle
import sys
from asyncio.subprocess import DEVNULL, PIPE
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path

from codexos.kernel.embeddings import BatchLimits, EmbeddedBatch, Purpose
from llm.adapters.apart import places_taken
from llm.adapters.embedders import apart_program
from llm.adapters.embedders.minilm import MiniLM
from llm.engine.vectors import unpacked
from llm.errors import EmbedderUnavailable

_COMMAND = (sys.executable, "-IB", str(Path(apart_program.__file__).resolve()))
MOST_TEXTS = 512
"""Loading takes a quarter of a second, so as many as there are go together."""


class EmbedderApart:
    """Keeps the port ``Embedder`` by another process, which lives for one call and has nothing but the texts."""

    def __init__(self, model: MiniLM) -> None:
        self.identity = model.identity
        self.model = model.model
        self.limits = BatchLimits(texts=MOST_TEXTS, characters=MOST_TEXTS * model.limits.characters)
        self._folder = model.folder

    async def embed(self, texts: Sequence[str], *, purpose: Purpose) -> EmbeddedBatch:
        """See the port. Raises EmbedderUnavailable, ModelOverloaded."""
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
            vectors = [unpacked(b64decode(vector)) for vector in said["vectors"]]
        except (ValueError, KeyError, TypeError):
            said, vectors = {}, []
        if len(vectors) != count:
            because = said.get("error") or "the process that was to load it has ended"
            raise EmbedderUnavailable(model=self.model, because=because, instead="Run bin/up, which installs it")
        return EmbeddedBatch(vectors, said["tokens"])
