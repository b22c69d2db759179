# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A source as it is written in the product's own JSON: ``{"type", "url", …}``, with a name where none is said."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from rag.engine.base_settings import clean_tags
from rag.errors.knowledge import KnowledgeBaseInvalid

NAME_LENGTH = 200
_OURS = ("type", "name", "secret", "tags", "schedule")
_USUAL_NAMES = {"upload": "Uploads", "files": "Files of the project"}
_ADDRESSES = ("repository", "url", "path")


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """What is said of a source. ``config`` is its kind's own."""

    kind: str
    name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    secret: str = ""
    tags: tuple[str, ...] = ()
    schedule: str = ""

    @property
    def identity(self) -> tuple[str, str]:
        """What makes two sources of a base the same: their kind and where they read."""
        return identity_of(self.kind, self.config)


def identity_of(kind: str, config: Mapping[str, Any]) -> tuple[str, str]:
    """Return what makes two sources of a base the same."""
    address = next((str(config[name]) for name in _ADDRESSES if config.get(name)), "")
    branch = f"@{config['branch']}" if config.get("branch") else ""
    return kind, address.rstrip("/").removesuffix(".git") + branch


def read_source(said: Any, *, place: str) -> SourceSpec:
    """Return a source as it is said. Raises KnowledgeBaseInvalid."""
    if not isinstance(said, Mapping):
        raise KnowledgeBaseInvalid(place, 'A source is an object, such as {"type": "upload"}.')
    kind = said.get("type")
    if not isinstance(kind, str) or not kind:
        raise KnowledgeBaseInvalid(f"{place}.type", "Say of what type the source is.")
    tags = said.get("tags") or ()
    if not isinstance(tags, list | tuple):
        raise KnowledgeBaseInvalid(f"{place}.tags", "Tags are a list of words.")
    config = {name: value for name, value in said.items() if name not in _OURS and value is not None}
    return SourceSpec(
        kind=kind,
        name=_text(said, "name", place=place, most=NAME_LENGTH) or usual_name(kind, config),
        config=config,
        secret=_text(said, "secret", place=place, most=NAME_LENGTH),
        tags=tuple(clean_tags(list(tags), place=f"{place}.tags")),
        schedule=_text(said, "schedule", place=place, most=100),
    )


def usual_name(kind: str, config: Mapping[str, Any]) -> str:
    """Return what a source is called where nobody says: by what it reads."""
    if kind in _USUAL_NAMES:
        return _USUAL_NAMES[kind]
    address = identity_of(kind, config)[1]
    parts = urlsplit(address)
    shown = f"{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.scheme and parts.netloc else address
    return shown.strip("/")[-NAME_LENGTH:] or kind


def _text(said: Mapping[str, Any], name: str, *, place: str, most: int) -> str:
    value = said.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > most or not value.isprintable():
        raise KnowledgeBaseInvalid(f"{place}.{name}", f"This is to be a text of at most {most} printable characters.")
    return " ".join(value.split())
