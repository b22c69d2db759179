# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What embedding takes: by the embedded model, and how many calls to a provider gathering callers saves."""

import asyncio
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

from codexos.kernel.http import EgressPolicy
from codexos.local.bench.machine import print_figures
from codexos.local.home import CHECKOUT
from llm.adapters.coalescing import Coalescer
from llm.adapters.embedders.hosted import HostedEmbedder
from llm.adapters.embedders.minilm import MiniLM
from llm.queries.deployments import Deployment

CALLERS, TEXTS_EACH, ORGANIZATIONS = 200, 5, 20
PASSAGE_CHARACTERS, PASSAGES = 600, 100
ANSWER_SECONDS = 0.02
"""How long the local provider thinks over a call, however many texts it holds."""
_VECTOR = [0.01] * 384


def measure(*, rounds: int) -> None:
    """Print both."""
    with tempfile.TemporaryDirectory() as folder:
        _measure_embedded(Path(folder), rounds=rounds)
    with _provider() as (address, calls):
        for is_gathered in (False, True):
            seconds, made = [], []
            for _round in range(rounds):
                calls.clear()
                began = time.monotonic()
                asyncio.run(_callers(address, is_gathered=is_gathered))
                seconds.append(time.monotonic() - began)
                made.append(len(calls))
            texts = CALLERS * TEXTS_EACH
            figures = {"callers": CALLERS, "texts": texts, "calls": statistics.median(made)}
            best = {"texts_per_second": round(texts / min(seconds)), "seconds": round(min(seconds), 3)}
            workload = f"{CALLERS} callers, {'gathered' if is_gathered else 'each for itself'}"
            print_figures("embed", workload=workload, system="codexos", **figures, **best)


def _measure_embedded(folder: Path, *, rounds: int) -> None:
    began = time.process_time()
    MiniLM(folder).load()
    first = time.process_time() - began
    model, began = MiniLM(folder), time.process_time()
    model.load()
    again = time.process_time() - began
    passages = _passages()
    questions = [passage[:50] for passage in passages]
    model.embed_now(passages[:5])
    figures = {
        "first_load_cpu_seconds": round(first, 3),
        "load_cpu_seconds": round(again, 3),
        "texts_per_cpu_second": round(len(passages) / min(_cpu(model, passages) for _ in range(rounds)), 1),
        "cpu_ms_per_question": round(1000 * min(_cpu(model, questions) for _ in range(rounds)) / len(questions), 2),
    }
    print_figures("embed", workload="the embedded model", system="codexos", **figures)


def _cpu(model: MiniLM, texts: Sequence[str]) -> float:
    began = time.process_time()
    model.embed_now(texts)
    return time.process_time() - began


def _passages() -> Sequence[str]:
    """Pieces of our own documentation: prose with code in it, as knowledge bases hold."""
    text = "\n\n".join(page.read_text(encoding="utf-8") for page in sorted((CHECKOUT / "docs").glob("*.md")))
    starts = range(0, len(text), max(PASSAGE_CHARACTERS, len(text) // PASSAGES))
    return [text[start : start + PASSAGE_CHARACTERS] for start in starts][:PASSAGES]


async def _callers(address: str, *, is_gathered: bool) -> None:
    """Have callers of many organizations want a few texts each, all at once."""
    deployment = Deployment("Local", "local", address, "nothing", 8192, kind="vllm")
    embedder = HostedEmbedder(deployment, policy=EgressPolicy(named=frozenset({deployment.host_and_port})))
    gathering = Coalescer(embedder, purpose="document")
    gate = asyncio.Semaphore(32)

    async def caller(number: int) -> None:
        texts = [f"Text {index} of caller {number}." for index in range(TEXTS_EACH)]
        if is_gathered:
            await gathering.embed(texts, organization_id=UUID(int=number % ORGANIZATIONS))
            return
        async with gate:
            await embedder.embed(texts, purpose="document")

    await asyncio.gather(*(caller(number) for number in range(CALLERS)))


@contextmanager
def _provider() -> Iterator[tuple[str, list[int]]]:
    """Serve vectors on this machine; give the address and how many texts each call held."""
    calls: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            """Answer a call."""
            texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
            calls.append(len(texts))
            threading.Event().wait(ANSWER_SECONDS)
            body = json.dumps({"data": [{"index": i, "embedding": _VECTOR} for i in range(len(texts))]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    class Server(ThreadingHTTPServer):
        request_queue_size = 256
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", calls
    finally:
        server.shutdown()
        server.server_close()
