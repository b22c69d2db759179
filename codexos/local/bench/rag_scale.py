# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Many chunks: one tenant's among a hundred tenants', and all of them one tenant's. Synthetic, clustered, seeded.

Rows are loaded by the database's superuser; questions go over HTTP as everybody's do. What is found by meaning is held
against the order of all distances.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from codexos.kernel.ids import new_id
from codexos.local.bench.api import own_instance, percentile
from codexos.local.bench.instance import Instance
from codexos.local.bench.machine import print_figures
from codexos.local.bench.rag import BENCH, Client
from codexos.local.environment import setup_here
from codexos.local.home import CHECKOUT
from codexos.local.postgres import SUPERUSER, address
from llm.adapters.embedders.minilm import MiniLM
from rag.engine.terms import search_vector

SEED = 20
TENANTS, OF_EACH = 100, 2_000
DIMENSIONS, CLUSTERS, NOISE = 384, 400, 0.8
WORDS, LENGTH = 20_000, 90
QUESTIONS, FUZZED = 200, 10_000
_COLUMNS = (
    "id, organization_id, created_at, index_id, document_id, ordinal, text, context, place, sha256, since, embedding, "
    "tsv, terms"
)


_DOCUMENT = """
insert into rag_document (id, created_at, organization_id, base_id, source_id, path, title, source_type, media_type,
    language, tags, state, reason, error_code, sha256, mark, size, commit, sightings_missing, listed, version,
    chunk_count, updated_at)
values (%s, now(), %s, %s, %s, %s, 'all', 'upload', '', '', '{}', 'ready', '', '', '', '', 0, '', 0, '', 1, 0, now())
"""


@dataclass(frozen=True)
class Place:
    """Where chunks are loaded: an index of an organization, under one document."""

    organization_id: UUID
    index_id: UUID
    document_id: UUID


class Maker:
    """Makes chunks: around centers, with the words of its center and many others."""

    def __init__(self) -> None:
        self._random = random.Random(SEED)  # noqa: S311 - figures are to be the same each time
        self._centers = [self._direction() for _ in range(CLUSTERS)]

    def chunk(self) -> tuple[str, str]:
        """Return a text and its vector."""
        cluster = self._random.randrange(CLUSTERS)
        center = self._centers[cluster]
        words = [f"word{int(WORDS * self._random.random() ** 3)}" for _ in range(LENGTH)]
        numbers = (number + NOISE * self._random.gauss(0, 0.051) for number in center)
        return " ".join([f"topic{cluster}", *words]), "[" + ",".join(f"{number:.4f}" for number in numbers) + "]"

    def question(self) -> str:
        """Return what somebody may ask."""
        words = (f"word{int(WORDS * self._random.random() ** 3)}" for _ in range(5))
        return " ".join([f"topic{self._random.randrange(CLUSTERS)}", *words])

    def _direction(self) -> list[float]:
        numbers = [self._random.gauss(0, 1) for _ in range(DIMENSIONS)]
        length = sum(number * number for number in numbers) ** 0.5
        return [number / length for number in numbers]


def measure(*, chunks: int) -> None:
    """Print how long questions take in a small tenant among many, and in a large one."""
    with own_instance() as instance:
        client, maker = Client(instance), Maker()
        with psycopg.connect(address(instance.home, role=SUPERUSER), autocommit=True) as connection:
            connection.execute("set session_replication_role = replica")
            small = _base(client, connection, "small")
            others = [Place(new_id(), new_id(), new_id()) for _ in range(TENANTS - 1)]
            _load(connection, maker, [small, *others], chunks=OF_EACH * TENANTS * chunks // 200_000)
            _print(client, connection, maker=maker, place=small, name="2k of 200k in 100 tenants")
            _fuzz(client, connection, maker=maker, place=small)
            large = _base(client, connection, "large")
            _load(connection, maker, [large], chunks=chunks)
            began = time.monotonic()
            _maintain(instance)
            built = round(time.monotonic() - began, 1)
            _print(client, connection, maker=maker, place=large, name="200k of one tenant", build_seconds=built)


def _base(client: Client, connection: psycopg.Connection[Any], name: str) -> Place:
    base = client.ask("POST", "/api/v1/knowledge-bases/", {"name": name, "project_id": client.project})
    row = connection.execute(
        "update rag_knowledgeindex i set dimensions = %s, model = 'embedded' from rag_knowledgebase b "
        "where b.id = %s and i.id = b.active_index_id returning i.organization_id, i.id, b.id",
        [DIMENSIONS, base["id"]],
    ).fetchone()
    assert row is not None  # noqa: S101
    document, source = new_id(), new_id()
    connection.execute(_DOCUMENT, [document, row[0], row[2], source, f"{name}.txt"])
    return Place(row[0], row[1], document)


def _load(connection: psycopg.Connection[Any], maker: Maker, places: Sequence[Place], *, chunks: int) -> None:
    with connection.cursor() as cursor, cursor.copy(f"copy rag_chunk ({_COLUMNS}) from stdin") as copy:
        for row in _rows(maker, places, chunks=chunks):
            copy.write_row(row)
    connection.execute("vacuum analyze rag_chunk")


def _rows(maker: Maker, places: Sequence[Place], *, chunks: int) -> Iterator[tuple[Any, ...]]:
    for number in range(chunks):
        # In runs of some, as documents are written; tenants lie among one another.
        place = places[number // 20 % len(places)]
        text, vector = maker.chunk()
        tsv, terms = search_vector([], text)
        told = (number, text, "", json.dumps({"lines": [number, number]}), f"{number:064x}", 1, vector, tsv, terms)
        yield (new_id(), place.organization_id, "2026-01-01", place.index_id, place.document_id, *told)


def _maintain(instance: Instance) -> None:
    words = [sys.executable, "manage.py", "maintain_knowledge"]
    setup = setup_here({**os.environ, "CODEXOS_HOME": str(instance.home.root)})
    subprocess.run(words, cwd=CHECKOUT, env=setup.variables(), check=True, stdout=subprocess.DEVNULL)


def _print(
    client: Client, connection: psycopg.Connection[Any], *, maker: Maker, place: Place, name: str, **more: float
) -> None:
    path = f"/api/v1/knowledge-bases/{_base_of(connection, place)}/query/"
    _ask(client, path, maker.question(), mode="hybrid")
    seconds, recalls = [], []
    for _ in range(QUESTIONS):
        question = maker.question()
        began = time.perf_counter()
        _ask(client, path, question, mode="hybrid")
        seconds.append(1000 * (time.perf_counter() - began))
        found = [each["chunk_id"] for each in _ask(client, path, question, mode="semantic")]
        recalls.append(_recall(connection, place, question=question, found=found))
    ordered = sorted(seconds)
    told = {"p50_ms": round(percentile(ordered, 50), 1), "p95_ms": round(percentile(ordered, 95), 1)}
    recall = round(sum(recalls) / len(recalls), 4)
    print_figures(BENCH, workload=name, system="codexos", questions=QUESTIONS, recall_at_10=recall, **told, **more)


def _recall(connection: psycopg.Connection[Any], place: Place, *, question: str, found: Sequence[str]) -> float:
    vector = "[" + ",".join(map(str, _model().embed_now([question])[0])) + "]"
    with connection.transaction():
        connection.execute("set local enable_indexscan = off")
        rows = connection.execute(
            "select id from rag_chunk where index_id = %s order by embedding <=> %s::halfvec limit 10",
            [place.index_id, vector],
        ).fetchall()
    return len({str(row[0]) for row in rows} & set(found[:10])) / 10


@cache
def _model() -> MiniLM:
    return MiniLM(Path(tempfile.mkdtemp(prefix="codexos-bench-model-")))


def _fuzz(client: Client, connection: psycopg.Connection[Any], *, maker: Maker, place: Place) -> None:
    """Ask what is asked nowhere, in every way, and count the chunks of others among the answers."""
    of = {str(row[0]) for row in connection.execute("select id from rag_chunk where index_id = %s", [place.index_id])}
    lots, strange, asked = random.Random(SEED), 0, 0  # noqa: S311
    path = f"/api/v1/knowledge-bases/{_base_of(connection, place)}/query/"
    for _ in range(FUZZED):
        text = "".join(lots.choice("abc '\"\\|&!():*<->%_;\u00e9\u6771\n") for _ in range(lots.randrange(1, 40)))
        question = f"{maker.question()} {text}" if lots.random() < 0.7 else f"x{text}"
        found = _ask(client, path, question, mode=lots.choice(["exact", "exact", "exact", "hybrid", "semantic"]))
        asked += 1
        strange += sum(each["chunk_id"] not in of for each in found)
    print_figures(BENCH, workload="fuzzed questions", system="codexos", questions=asked, chunks_of_others=strange)


def _base_of(connection: psycopg.Connection[Any], place: Place) -> str:
    row = connection.execute("select base_id from rag_knowledgeindex where id = %s", [place.index_id]).fetchone()
    assert row is not None  # noqa: S101
    return str(row[0])


def _ask(client: Client, path: str, question: str, *, mode: str) -> Sequence[Any]:
    answer: Sequence[Any] = client.ask("POST", path, {"query": question, "top_k": 10, "mode": mode})["results"]
    return answer
