# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rerankers: Cohere's, or a cross-encoder on this machine where the package that runs such models is installed."""

import importlib.util
import json
import sys
from collections.abc import Sequence
from functools import cache
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired
from typing import Any

from django.conf import settings

from codexos.kernel.http import HttpLimits, ResponseTooLarge, Unreachable
from rag.adapters.sources.outside import client
from rag.engine.ports import Reranker
from rag.errors.searching import RerankerUnavailable

COHERE_URL = "https://api.cohere.com"
USUAL_MODEL = "rerank-v3.5"
LOCAL = "local"
USUAL_LOCAL_MODEL = "cross-encoder/ms-marco-MiniLM-L-6-v2"
LOCAL_PACKAGE = "sentence_transformers"
LOCAL_SECONDS = 60.0
LIMITS = HttpLimits(total_seconds=20.0, connect_seconds=5.0, body_bytes=4 * 1024 * 1024, redirects=0)
_LONGEST_TEXT = 8_000
_PROGRAM = """
import json, sys
from sentence_transformers import CrossEncoder
told = json.load(sys.stdin)
model = CrossEncoder(told["model"], local_files_only=True)
scores = model.predict([(told["question"], text) for text in told["texts"]])
json.dump([float(score) for score in scores], sys.stdout)
"""


def chosen_reranker(name: str) -> Reranker | None:
    """Return who reranks by a name: ``local``, ``local/MODEL``, a model of Cohere's, "" for the usual. Or nobody."""
    name = name or settings.RERANK_MODEL
    kind, _, model = name.partition("/")
    if kind == LOCAL:
        return LocalReranker(model or USUAL_LOCAL_MODEL) if _has_local() else None
    if settings.COHERE_API_KEY:
        return CohereReranker(name.removeprefix("cohere/") or USUAL_MODEL)
    return LocalReranker(USUAL_LOCAL_MODEL) if not name and _has_local() else None


class CohereReranker:
    """Keeps the port ``Reranker`` by Cohere's API, or by a server that speaks as it does."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._url = (settings.COHERE_BASE_URL or COHERE_URL).rstrip("/") + "/v2/rerank"

    def scores(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """See the port. Raises RerankerUnavailable."""
        asked = {"model": self._model, "query": question, "documents": [text[:_LONGEST_TEXT] for text in texts]}
        headers = {"Authorization": f"Bearer {settings.COHERE_API_KEY}", "Content-Type": "application/json"}
        try:
            with client(carries_key=True, limits=LIMITS) as asking:
                answer = asking.request("POST", self._url, headers=headers, content=json.dumps(asked).encode())
        except (Unreachable, ResponseTooLarge) as error:
            raise RerankerUnavailable(because=str(error)[:200]) from None
        if answer.status != 200:
            raise RerankerUnavailable(because=f"it answered {answer.status}")
        return _read(answer.body, count=len(texts))


class LocalReranker:
    """Keeps the port ``Reranker`` by a model in a process of its own, which lives for one question."""

    def __init__(self, model: str) -> None:
        self._model = model

    def scores(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """See the port. Raises RerankerUnavailable."""
        told = json.dumps({"model": self._model, "question": question, "texts": list(texts)})
        with Popen(
            [sys.executable, "-IB", "-c", _PROGRAM], stdin=PIPE, stdout=PIPE, stderr=DEVNULL, text=True
        ) as process:
            try:
                said, _ = process.communicate(told, timeout=LOCAL_SECONDS)
            except TimeoutExpired:
                process.kill()
                raise RerankerUnavailable(because=f"it took more than {LOCAL_SECONDS:.0f} seconds") from None
        if process.returncode:
            raise RerankerUnavailable(because=f"the model {self._model!r} could not be loaded on this machine")
        return [float(score) for score in json.loads(said)]


def _read(body: bytes, *, count: int) -> list[float]:
    """Return the scores in the order of the texts; one that was left out is worth nothing."""
    scores = [0.0] * count
    try:
        results: Any = json.loads(body)["results"]
        for result in results:
            scores[result["index"]] = float(result["relevance_score"])
    except (ValueError, KeyError, TypeError, IndexError):
        raise RerankerUnavailable(because="what it answered cannot be read") from None
    return scores


@cache
def _has_local() -> bool:
    return importlib.util.find_spec(LOCAL_PACKAGE) is not None
