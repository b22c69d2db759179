# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Secrets on their way through a run: references that only the flow's own text can make, never values.

What a flow says of a secret becomes a ``SecretText``, and what makes it one is its type: text that merely reads the
same, from an input, a page or a model, stays text. Written down, it reads as it was written; only adapters open it.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.redaction import REDACTED

SECRETS_NAME = "vault"
"""What expressions call the secrets, and nothing else may be called."""
Recipient = Literal["tools", "models"]
"""Whom a secret may be handed on to."""

_PLAIN_KEY = re.compile(r"[^\W\d]\w*(?:-\w+)*")
# What may stand beside a secret and is surely none: the word before a token, and what parts two of them.
_HARMLESS = re.compile(r"[A-Za-z]{0,12}[\s:;,=]*")


@dataclass(frozen=True, slots=True)
class SecretRef:
    """A secret, by its key."""

    key: str

    @classmethod
    def to(cls, key: str) -> Self:
        """Refer to a key, in the one form of Unicode that the vault keeps keys in."""
        return cls(unicodedata.normalize("NFC", key))

    def __str__(self) -> str:
        if _PLAIN_KEY.fullmatch(self.key):
            return f"{{{{ {SECRETS_NAME}.{self.key} }}}}"
        return f"{{{{ {SECRETS_NAME}[{json.dumps(self.key, ensure_ascii=False)}] }}}}"


class SecretText(str):
    """A text with secrets in it, such as ``Bearer {{ vault.github }}``, which is also how it reads.

    Whatever is done to it as a text, copying included, gives text that refers to nothing.
    """

    __slots__ = ("parts",)
    parts: tuple[str | SecretRef, ...]

    def __new__(cls, parts: Sequence[str | SecretRef]) -> Self:
        """Make it of its parts, in their order."""
        made = super().__new__(cls, "".join(map(str, parts)))
        made.parts = tuple(parts)
        return made

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)

    def __str__(self) -> str:
        return "".join(map(str, self.parts))

    @property
    def refs(self) -> list[SecretRef]:
        """The secrets in it."""
        return [part for part in self.parts if isinstance(part, SecretRef)]

    @property
    def shown(self) -> str:
        """How it may be shown where texts are redacted: its references, and no other text to speak of."""
        return "".join(
            str(part) if isinstance(part, SecretRef) or _HARMLESS.fullmatch(part) else REDACTED for part in self.parts
        )

    def opened(self, values: Mapping[str, str]) -> str:
        """Put in the values, by their keys."""
        return "".join(values[part.key] if isinstance(part, SecretRef) else part for part in self.parts)


def secret_texts(value: JsonValue) -> Iterator[SecretText]:
    """Walk over every text with secrets in a value."""
    waiting: list[JsonValue] = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            if isinstance(part, SecretText):
                yield part
        elif isinstance(part, Mapping):
            waiting.extend(part.values())
        elif isinstance(part, list | tuple):
            waiting.extend(part)


def keys_in(value: JsonValue) -> list[str]:
    """List the keys of the secrets that a value hands on, each once."""
    return sorted({ref.key for text in secret_texts(value) for ref in text.refs})


def opened(value: JsonValue, values: Mapping[str, str]) -> JsonValue:
    """Return a value with the secrets themselves in it, by their keys."""
    if isinstance(value, SecretText):
        return value.opened(values)
    if isinstance(value, Mapping):
        return {name: opened(part, values) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [opened(part, values) for part in value]
    return value


def with_references(shown: JsonObject, arguments: JsonObject) -> JsonObject:
    """Return what is shown of a call's arguments with its references, where they were redacted as secrets would be."""
    return {name: _referring(part, arguments.get(name)) for name, part in shown.items()}


def _referring(shown: JsonValue, whole: JsonValue) -> JsonValue:
    if isinstance(shown, str):
        return whole.shown if isinstance(whole, SecretText) and REDACTED in shown else shown
    if isinstance(shown, Mapping) and isinstance(whole, Mapping):
        return with_references(shown, whole)
    if isinstance(shown, list | tuple) and isinstance(whole, list | tuple) and len(shown) == len(whole):
        return [_referring(part, beside) for part, beside in zip(shown, whole, strict=True)]
    return shown
