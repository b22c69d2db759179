# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What secrets, their values and their tags may be."""

import base64
import unicodedata
from collections.abc import Sequence
from contextlib import suppress

from accounts.operations.names import clean_text
from codexos.kernel.ids import parse_id
from vault.errors import SecretInvalid, SecretTooLarge
from vault.models.secrets import DESCRIPTION_LENGTH, KEY_LENGTH, TAG_LENGTH

MOST_BYTES = 65_536
MOST_TAGS = 20
UTF8 = "utf-8"
BASE64 = "base64"
_JOINTS = frozenset("_-.")


def clean_key(text: str) -> str:
    """Return a key in one form of Unicode: letters and digits of any script, and ``_ - .`` between them.

    Raises SecretInvalid.
    """
    key = unicodedata.normalize("NFC", text)
    if not key or len(key) > KEY_LENGTH:
        raise SecretInvalid(f"A key has 1 to {KEY_LENGTH} letters, this one has {len(key)}.", place="key")
    if not all(_is_of_a_word(letter) or letter in _JOINTS for letter in key) or key[0] in ".-":
        raise SecretInvalid(
            f"The key {key!r} holds something else than letters, digits and _ - . between them. It is written in "
            "flows as {{ vault.KEY }}, so it may hold no blank, slash or sign.",
            place="key",
        )
    if parse_id(key) is not None:
        raise SecretInvalid("A key may not look like an id. Choose another.", place="key")
    return key


def clean_tags(tags: Sequence[str]) -> list[str]:
    """Return tags in one form, each once, in order of the alphabet. Raises SecretInvalid."""
    cleaned = sorted({unicodedata.normalize("NFC", tag.strip()).lower() for tag in tags})
    if len(cleaned) > MOST_TAGS:
        raise SecretInvalid(f"A secret has at most {MOST_TAGS} tags, these are {len(cleaned)}.", place="tags")
    for tag in cleaned:
        if not (0 < len(tag) <= TAG_LENGTH) or not all(_is_of_a_word(letter) or letter in "_-.:" for letter in tag):
            raise SecretInvalid(
                f"The tag {tag[:60]!r} is none: a tag has 1 to {TAG_LENGTH} letters, digits and _ - . :", place="tags"
            )
    return cleaned


def clean_description(text: str) -> str:
    """Return what is said of a secret, in one form. Raises NameInvalid, SecretInvalid."""
    cleaned = clean_text(text, place="description")
    if len(cleaned) > DESCRIPTION_LENGTH:
        raise SecretInvalid(
            f"A description has at most {DESCRIPTION_LENGTH} letters, this one has {len(cleaned)}.", place="description"
        )
    return cleaned


def decode_value(text: str, *, encoding: str) -> bytes:
    """Return the bytes that were sent as text, or as base64 where ``encoding`` says so. Raises SecretInvalid."""
    if encoding != BASE64:
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise SecretInvalid(
            "The value is not base64 in its standard alphabet, with padding and without line breaks.", place="value"
        ) from None


def encode_value(value: bytes, *, in_base64: bool = False) -> tuple[str, str]:
    """Return a value to be sent, and its encoding: as text where it is text and nothing else is wished."""
    with suppress(UnicodeDecodeError):
        if not in_base64 and b"\x00" not in value:
            return value.decode(), UTF8
    return base64.b64encode(value).decode(), BASE64


def check_value(value: bytes) -> bytes:
    """Return the value. Raises SecretInvalid where it is empty, SecretTooLarge."""
    if not value:
        raise SecretInvalid("A secret needs a value; this one is empty.", place="value")
    if len(value) > MOST_BYTES:
        raise SecretTooLarge(size=len(value), at_most=MOST_BYTES)
    return value


def _is_of_a_word(letter: str) -> bool:
    return letter.isalnum() or unicodedata.category(letter) in ("Mn", "Mc")
