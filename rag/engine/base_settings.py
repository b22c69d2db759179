# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How a knowledge base is read and searched, and where from: the product's own JSON, read strictly.

``{"sources": [{"type": "github", "url": …}], "chunking": {"strategy", "window", "overlap"}, "embedding": {"model",
"rerank"}, "search": {…}}``. A word that nobody knows is refused: a setting that is misspelled must not be none.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from difflib import get_close_matches
from typing import Any, Self

from codexos.kernel.jsontypes import JsonValue
from rag.engine.gates import Gate
from rag.engine.parsed import ChunkSettings
from rag.engine.passages import MOST_PASSAGES, Mode
from rag.errors.knowledge import KnowledgeBaseInvalid

MOST_NEIGHBORS = 5
MODEL_LENGTH = 200
MOST_TAG_LENGTH = 64
MOST_TAGS = 30
SECTIONS = ("chunking", "embedding", "search")
SWITCHES = ("when_ready", "by_hand")


@dataclass(frozen=True, slots=True)
class SearchDefaults:
    """How questions are answered that say nothing else. With ``temporal`` None a question that asks for it decides."""

    mode: Mode = Mode.HYBRID
    top_k: int = 10
    mmr: float = 0.0
    neighbors: int = 0
    temporal: bool | None = None


@dataclass(frozen=True, slots=True)
class BaseSettings:
    """The settings of a knowledge base. An empty ``model`` is the installation's; ``rerank_model`` likewise.

    ``switch`` says whether another index answers as soon as it is ready, or when a person says so; ``gate`` how well it
    has to do in a test before.
    """

    chunking: ChunkSettings = field(default_factory=ChunkSettings)
    model: str = ""
    rerank: bool = False
    rerank_model: str = ""
    search: SearchDefaults = field(default_factory=SearchDefaults)
    switch: str = "when_ready"
    gate: Gate | None = None

    def as_json(self) -> dict[str, Any]:
        """Return them as they are kept and sent."""
        return {
            "chunking": self.chunking.as_json(),
            "embedding": {"model": self.model, "rerank": self.rerank, "rerank_model": self.rerank_model},
            "search": {**asdict(self.search), "mode": self.search.mode.value},
            "switch": self.switch,
            "gate": self.gate.as_json() if self.gate else None,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """Return them as they are said; what is not said is as usual. Raises KnowledgeBaseInvalid, ChunkingInvalid."""
        return cls().changed(kept)

    def changed(self, said: Mapping[str, Any]) -> Self:
        """Return them with what is said in place of what was. Raises KnowledgeBaseInvalid, ChunkingInvalid."""
        refuse_strange(said, known=(*SECTIONS, "switch", "gate"), place="")
        chunking, embedding, search = (_section(said, name) for name in SECTIONS)
        return replace(
            self,
            chunking=_chunking(self.chunking, chunking),
            search=_search(self.search, search),
            switch=_switch(said.get("switch", self.switch)),
            gate=Gate.from_json(said["gate"]) if "gate" in said else self.gate,
            **_embedding(embedding),
        )

    def makes_other_chunks_than(self, other: "BaseSettings") -> bool:
        """Tell whether chunks have to be made anew, or their vectors."""
        return (self.chunking, self.model) != (other.chunking, other.model)

    def searches_otherwise_than(self, other: "BaseSettings") -> bool:
        """Tell whether the same chunks may answer a question otherwise."""
        return (self.search, self.rerank, self.rerank_model) != (other.search, other.rerank, other.rerank_model)


def refuse_strange(said: Mapping[str, Any], *, known: Collection[str], place: str) -> None:
    """Raise KnowledgeBaseInvalid where something is said that nobody knows, naming what reads alike."""
    strange = next((name for name in said if name not in known), None)
    if strange is None:
        return
    near = get_close_matches(str(strange), known, n=1)
    advice = f"Did you mean {near[0]!r}?" if near else f"Use one of: {', '.join(known)}."
    where = f"{place}.{strange}" if place else str(strange)
    raise KnowledgeBaseInvalid(where[:200], f"{str(strange)[:60]!r} is not known here. {advice}")


def _section(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = said.get(name)
    if section is None:
        return {}
    if not isinstance(section, Mapping):
        raise KnowledgeBaseInvalid(name, f"{name!r} is to be an object, such as {{}}.")
    return section


def _chunking(now: ChunkSettings, said: Mapping[str, Any]) -> ChunkSettings:
    if not said:
        return now
    refuse_strange(said, known=tuple(now.as_json()), place="chunking")
    # An overlap that nobody chose follows the window.
    kept = {name: value for name, value in now.as_json().items() if name != "overlap" or "window" not in said}
    return ChunkSettings.from_json({**kept, **said})


def _embedding(said: Mapping[str, Any]) -> dict[str, Any]:
    refuse_strange(said, known=("model", "rerank", "rerank_model"), place="embedding")
    read: dict[str, Any] = {}
    for name in ("model", "rerank_model"):
        if name in said:
            read[name] = _name(said[name], place=f"embedding.{name}")
    if "rerank" in said:
        read["rerank"] = _flag(said["rerank"], place="embedding.rerank")
    return read


def _search(now: SearchDefaults, said: Mapping[str, Any]) -> SearchDefaults:
    refuse_strange(said, known=tuple(asdict(now)), place="search")
    read: dict[str, Any] = {}
    if "mode" in said:
        read["mode"] = read_mode(said["mode"], place="search.mode")
    for name, most, least in (("top_k", MOST_PASSAGES, 1), ("neighbors", MOST_NEIGHBORS, 0)):
        if name in said:
            read[name] = _whole(said[name], least=least, most=most, place=f"search.{name}")
    if "mmr" in said:
        read["mmr"] = _share(said["mmr"], place="search.mmr")
    if "temporal" in said:
        asked = said["temporal"]
        read["temporal"] = None if asked is None else _flag(asked, place="search.temporal")
    return replace(now, **read)


def _switch(said: JsonValue) -> str:
    if said not in SWITCHES:
        raise KnowledgeBaseInvalid("switch", f"{str(said)[:40]!r} is none of {', '.join(SWITCHES)}.")
    return str(said)


def read_mode(said: JsonValue, *, place: str) -> Mode:
    """Return a way of searching. Raises KnowledgeBaseInvalid."""
    if said not in set(Mode):
        raise KnowledgeBaseInvalid(place, f"{str(said)[:40]!r} is none of {', '.join(Mode)}.")
    return Mode(str(said))


def clean_tags(said: Sequence[Any], *, place: str = "tags") -> list[str]:
    """Return tags trimmed, each once, in their order. Raises KnowledgeBaseInvalid."""
    tags = [each.strip() if isinstance(each, str) else "" for each in said]
    if any(not tag or len(tag) > MOST_TAG_LENGTH or not tag.isprintable() for tag in tags):
        message = f"A tag is a word of 1 to {MOST_TAG_LENGTH} printable characters."
        raise KnowledgeBaseInvalid(place, message)
    if len(tags) > MOST_TAGS:
        raise KnowledgeBaseInvalid(place, f"There can be {MOST_TAGS} tags, here are {len(tags)}.")
    return list(dict.fromkeys(tags))


def _name(said: JsonValue, *, place: str) -> str:
    if said is None:
        return ""
    if not isinstance(said, str) or len(said) > MODEL_LENGTH or not said.isprintable():
        raise KnowledgeBaseInvalid(place, f"A model is named by a text of at most {MODEL_LENGTH} characters.")
    return said.strip()


def _flag(said: JsonValue, *, place: str) -> bool:
    if not isinstance(said, bool):
        raise KnowledgeBaseInvalid(place, "This is to be true or false.")
    return said


def _whole(said: JsonValue, *, least: int, most: int, place: str) -> int:
    if isinstance(said, bool) or not isinstance(said, int) or not least <= said <= most:
        raise KnowledgeBaseInvalid(place, f"This is to be a whole number from {least} to {most}.")
    return said


def _share(said: JsonValue, *, place: str) -> float:
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 <= said <= 1:
        raise KnowledgeBaseInvalid(place, "This is to be a number from 0 to 1.")
    return float(said)
