# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The embedded embedder: all-MiniLM-L6-v2 in this process, without a key and without a network.

It is loaded when the first text comes, by whoever does the work: never by the web process.
"""

import asyncio
import os
import threading
from array import array
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from codexos.kernel.embeddings import BatchLimits, EmbeddedBatch, Purpose, Vector
from llm.adapters.embedders.minilm_files import stored_graph
from llm.adapters.embedders.weights import DIMENSIONS, MODEL, MOST_PIECES, TOKENIZER, checked_file
from llm.errors import EmbedderUnavailable

LONGEST_READ = 16_384
"""Characters looked at: the first 256 word pieces of any text that people write stand long before."""
# Nothing is gained by more at once, and whoever comes next waits for less.
LIMITS = BatchLimits(texts=8, characters=8 * LONGEST_READ)

Loaded = tuple[Any, Any, ThreadPoolExecutor]
"""What runs the graph, what cuts texts into word pieces, and the threads that do it."""


class MiniLM:
    """Keeps the port ``Embedder``. Texts are cut after 256 word pieces; each is embedded by itself."""

    identity = f"embedded/{MODEL}/{DIMENSIONS}"
    model = MODEL
    limits = LIMITS

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        self._folder = folder
        self._threads = threads
        self._lock = threading.Lock()
        self._loaded: Loaded | None = None
        # Threads do not live on in a child: what was loaded before a fork is loaded anew by whoever needs it there.
        os.register_at_fork(after_in_child=self._forget)

    @property
    def folder(self) -> Path:
        """Where its graph is."""
        return self._folder

    @property
    def is_loaded(self) -> bool:
        """Whether the model is in memory."""
        return self._loaded is not None

    async def embed(self, texts: Sequence[str], *, purpose: Purpose) -> EmbeddedBatch:
        """See the port. Documents and queries lie in the same space. Raises EmbedderUnavailable."""
        loop = asyncio.get_running_loop()
        loaded = self._loaded
        _session, _tokenizer, pool = loaded if loaded is not None else await asyncio.to_thread(self.load)
        made = await asyncio.gather(*(loop.run_in_executor(pool, partial(self._embed_one, text)) for text in texts))
        return EmbeddedBatch([vector for vector, _ in made], [count for _, count in made])

    def embed_now(self, texts: Sequence[str]) -> Sequence[Vector]:
        """Embed in this very thread: for whoever is in one already. Raises EmbedderUnavailable."""
        self.load()
        return [self._embed_one(text)[0] for text in texts]

    def load(self) -> Loaded:
        """Bring the model into memory, once. Raises EmbedderUnavailable."""
        with self._lock:
            if self._loaded is None:
                pool = ThreadPoolExecutor(self._threads, thread_name_prefix="embed")
                self._loaded = (_session(stored_graph(self._folder)), _tokenizer(), pool)
            return self._loaded

    def _embed_one(self, text: str) -> tuple[Vector, int]:
        import numpy as np

        session, tokenizer, _pool = self.load()
        pieces = tokenizer.encode(text[:LONGEST_READ].encode("utf-8", "replace").decode()).ids
        (vectors,) = session.run(None, {"pieces": np.array([pieces], np.int64)})
        # Rounded as it is kept, so it is the same fresh and out of the cache.
        rounded = vectors[0].astype(np.float16).astype(np.float32)
        return array("f", rounded.tobytes()), len(pieces)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._loaded = None


def _session(graph: bytes) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        instead = "Run bin/up, which installs it"
        raise EmbedderUnavailable(
            model=MODEL, because=f"onnxruntime cannot be loaded: {error}", instead=instead
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _tokenizer() -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(checked_file(TOKENIZER)))
    tokenizer.enable_truncation(MOST_PIECES)
    tokenizer.no_padding()
    return tokenizer
