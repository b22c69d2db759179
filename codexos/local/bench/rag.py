# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""`bin/bench rag FOLDER…`: how well and how fast questions are answered over HTTP, on test collections in folders.

A collection is a folder with corpus.jsonl (id, title, text), queries.jsonl (id, text) and qrels.tsv (query, document,
grade). None comes with the product, for their licences differ.
"""

import http.client
import json
import math
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from codexos.local.bench.api import demo_developer, own_instance, percentile
from codexos.local.bench.instance import Instance
from codexos.local.bench.machine import cpu_seconds, family, print_figures
from codexos.local.errors import LocalFault
from rag.engine.fusion import looks_like_code

BENCH = "rag"
DEPTH = 10
AT_ONCE = 50
ASKED = 50
WAIT_SECONDS = 3600.0
MODES = ("hybrid", "semantic", "exact")
_BOUNDARY = "codexos-bench-boundary"


@dataclass(frozen=True)
class Collection:
    """Documents, questions, and which answers were judged right."""

    name: str
    documents: Sequence[Mapping[str, str]]
    questions: Sequence[Mapping[str, str]]
    grades: Mapping[str, Mapping[str, float]]


class Client:
    """One connection of a developer."""

    def __init__(self, instance: Instance) -> None:
        self._token, self.project = demo_developer(instance)
        self._connection = http.client.HTTPConnection(urlsplit(instance.url).netloc, timeout=300)

    def ask(self, method: str, path: str, body: Any = None, *, form: bytes | None = None) -> Any:
        """Return what is answered. Raises LocalFault for a refusal."""
        kind = f"multipart/form-data; boundary={_BOUNDARY}" if form is not None else "application/json"
        content = form if form is not None else json.dumps(body).encode() if body is not None else None
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json", "Content-Type": kind}
        try:
            self._connection.request(method, path, body=content, headers=headers)
            answer = self._connection.getresponse()
        except (OSError, http.client.HTTPException):
            # The server hangs up on who was silent for long; the next request connects anew.
            self._connection.close()
            self._connection.request(method, path, body=content, headers=headers)
            answer = self._connection.getresponse()
        said = answer.read()
        if answer.status >= 300:
            raise LocalFault(f"{method} {path} was answered {answer.status}: {said[:500].decode(errors='replace')}")
        return json.loads(said)


def measure(*, folders: Sequence[Path]) -> None:
    """Measure each collection in a product of the measurement's own."""
    if not folders:
        raise LocalFault("Name folders of test collections: bin/bench rag --collections FOLDER…")
    collections = [_collection(folder) for folder in folders]
    with own_instance() as instance:
        client = Client(instance)
        for collection in collections:
            base = _taken_in(client, collection, instance)
            for mode in MODES:
                _print_quality(client, collection, base=base, mode=mode)


def _collection(folder: Path) -> Collection:
    documents, questions = (_lines(folder / name) for name in ("corpus.jsonl", "queries.jsonl"))
    grades: dict[str, dict[str, float]] = {}
    for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines():
        parts = line.split("\t")
        if len(parts) >= 3 and parts[-1].replace(".", "").isdigit():
            grades.setdefault(parts[0], {})[parts[-2]] = float(parts[-1])
    return Collection(folder.name, documents, questions, grades)


def _lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def _taken_in(client: Client, collection: Collection, instance: Instance) -> str:
    """Upload a collection as files, wait until all of it can be found, and print what that took."""
    base = client.ask("POST", "/api/v1/knowledge-bases/", {"name": collection.name, "project_id": client.project})
    place = f"/api/v1/knowledge-bases/{base['id']}/"
    is_code = looks_like_code([each["text"][:400] for each in collection.documents[:200]])
    began, used = time.monotonic(), cpu_seconds(family(instance.pid))
    for start in range(0, len(collection.documents), AT_ONCE):
        some = collection.documents[start : start + AT_ONCE]
        client.ask("POST", f"{place}files/", form=b"".join(_form(some, is_code=is_code)))
    seconds = _wait(client, place, documents=len(collection.documents), began=began)
    cpu = cpu_seconds(family(instance.pid)) - used
    chunks = client.ask("GET", place)["figures"]["chunks"]
    figures = {"documents": len(collection.documents), "chunks": chunks, "seconds": round(seconds, 1)}
    per_cpu = round(chunks / cpu, 1) if cpu else 0
    print_figures(
        BENCH, workload=f"ingest {collection.name}", system="codexos", **figures, chunks_per_cpu_second=per_cpu
    )
    return str(base["id"])


def _form(documents: Sequence[Mapping[str, str]], *, is_code: bool) -> Iterator[bytes]:
    for each in documents:
        name = f"{each['id']}.{'py' if is_code else 'md'}"
        text = each["text"] if is_code else f"# {each['title']}\n\n{each['text']}\n"
        yield (
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            f"Content-Type: application/octet-stream\r\n\r\n{text}\r\n"
        ).encode()
    yield f"--{_BOUNDARY}--\r\n".encode()


def _wait(client: Client, place: str, *, documents: int, began: float) -> float:
    while True:
        figures = client.ask("GET", place)["figures"]
        if figures["ready"] + figures["failed"] >= documents:
            return time.monotonic() - began
        if time.monotonic() - began > WAIT_SECONDS:
            raise LocalFault(f"After an hour {figures} of {documents} documents are taken in.")
        time.sleep(2.0)


def _print_quality(client: Client, collection: Collection, *, base: str, mode: str) -> None:
    gains, seconds = [], []
    for question in collection.questions:
        grades = collection.grades.get(question["id"])
        if not grades:
            continue
        began = time.perf_counter()
        asked = {"query": question["text"], "top_k": ASKED, "mode": mode}
        answer = client.ask("POST", f"/api/v1/knowledge-bases/{base}/query/", asked)
        seconds.append(time.perf_counter() - began)
        found = [Path(each["citation"]["path"]).stem for each in answer["results"]]
        gains.append(ndcg(list(dict.fromkeys(found)), grades))
    ordered = sorted(1000 * each for each in seconds)
    print_figures(
        BENCH,
        workload=f"{collection.name}, {mode}",
        system="codexos",
        questions=len(gains),
        ndcg_at_10=round(statistics.mean(gains), 4),
        p50_ms=round(percentile(ordered, 50), 1),
        p95_ms=round(percentile(ordered, 95), 1),
    )


def ndcg(found: Sequence[str], grades: Mapping[str, float]) -> float:
    """Return the normalized discounted cumulative gain of the first ten."""
    gain = sum(grades.get(each, 0.0) / math.log2(place + 2) for place, each in enumerate(found[:DEPTH]))
    best = sorted(grades.values(), reverse=True)[:DEPTH]
    most = sum(grade / math.log2(place + 2) for place, grade in enumerate(best))
    return gain / most if most else 0.0
