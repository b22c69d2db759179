# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a value is called, how it reads as text, and whether it counts as true."""

import json
from collections.abc import Mapping

from codexos.kernel.jsontypes import JsonValue


def text_of(value: JsonValue) -> str:
    """Say a value as text: a string as it is, a result by its ``text``, anything else as compact JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and isinstance(said := value.get("text"), str):
        return said
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=dict)


def is_true(value: JsonValue) -> bool:
    """Whether a condition holds: false, null, 0, "", [] and {} do not, everything else does."""
    return bool(value)


def kind_of(value: JsonValue) -> str:
    """Name what a value is, for a message."""
    if value is None:
        return "empty (null)"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "an object" if isinstance(value, Mapping) else "a list"


def quoted(text: str) -> str:
    """Quote a text for a message: short, and with nothing in it that a terminal or a page would act on."""
    return repr(text if len(text) <= 60 else f"{text[:57]}…")
