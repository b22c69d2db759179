# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the Dockerfile and the compose file say, read without an engine."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from codexos.local.home import CHECKOUT

COMPOSE = CHECKOUT / "deploy" / "compose.yaml"
_REFERENCE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?::(?P<kind>[?-])(?P<rest>[^}]*))?\}")
_SETTING = re.compile(r'(\w+)=("[^"]*"|\S+)')


@dataclass
class Stage:
    """One FROM, and the instructions below it."""

    base: str
    name: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        """What stands behind every instruction of a kind."""
        return [rest for known, rest in self.instructions if known == word]

    def last(self, word: str) -> str:
        """What stands behind the last instruction of a kind, which is the one that counts."""
        return self.all(word)[-1]

    @property
    def environment(self) -> dict[str, str]:
        """What its ENV lines set."""
        return {name: value.strip('"') for rest in self.all("ENV") for name, value in _SETTING.findall(rest)}

    def words(self, word: str) -> list[str]:
        """The words of an instruction in its exec form; one in shell form breaks the test here."""
        return list(json.loads(self.last(word)))

    @property
    def health_check(self) -> list[str]:
        """The words of the health check."""
        return list(json.loads(self.last("HEALTHCHECK").partition("CMD ")[2]))


def stages() -> list[Stage]:
    """The stages of the Dockerfile."""
    text = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    found: list[Stage] = []
    for line in text.splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found.append(Stage(base.strip(), name.strip()))
        elif word and not word.startswith("#"):
            found[-1].instructions.append((word, rest.strip()))
    return found


def compose() -> dict[str, Any]:
    """The compose file."""
    read: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return read


def references(text: str) -> dict[str, bool]:
    """The variables that a text takes from its caller, and whether each must be given."""
    return {match["name"]: match["kind"] == "?" for match in _REFERENCE.finditer(text)}


def filled_in(value: Any, given: Mapping[str, str]) -> Any:
    """A part of the compose file with the caller's variables in it, as compose puts them there."""
    if isinstance(value, Mapping):
        return {name: filled_in(inner, given) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled_in(inner, given) for inner in value]
    if not isinstance(value, str):
        return value
    return _REFERENCE.sub(lambda match: given.get(match["name"]) or _default(match), value)


def _default(match: re.Match[str]) -> str:
    assert match["kind"] == "-", f"{match['name']} must be given"
    return str(match["rest"])


def kept_out() -> list[str]:
    """The lines of .dockerignore."""
    lines = (CHECKOUT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def is_kept_out(path: Path) -> bool:
    """Whether .dockerignore keeps a path of the checkout out of the image, itself or with a folder around it."""
    inside = path.relative_to(CHECKOUT)
    kept = False
    for line in kept_out():
        pattern = line.removeprefix("!")
        around = [inside, *inside.parents]
        fits = any(part.match(pattern.removeprefix("**/")) for part in around if _is_level(part, pattern))
        kept = (not line.startswith("!")) if fits else kept
    return kept


def _is_level(path: Path, pattern: str) -> bool:
    return pattern.startswith("**/") or len(path.parts) == len(Path(pattern).parts)
