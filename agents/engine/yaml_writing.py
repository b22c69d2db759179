# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Documents written as YAML for people: block style, texts of several lines as they are, quotes where they are needed.

What this writes is read back as the same document, and means the same to other programs that read YAML.
"""

import json
import re
from collections.abc import Mapping, Sequence

from agents.engine.errors import GraphInvalid, Problem
from agents.engine.shape import MAX_NESTING
from codexos.kernel.jsontypes import JsonValue

# Anything else is quoted; so are words that some program takes for something other than text.
_PLAIN = re.compile(r"[^\W\d](?:[\w ./,()+'!?=-]*[\w./,()+'!?=-])?")
_WORDS = frozenset({"yes", "no", "on", "off", "true", "false", "null"})
_NEEDS_ESCAPE = re.compile("[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]")
_NOT_AS_IT_IS = re.compile("[^\n\x20-\x7e\xa1-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
# YAML takes longer ones only with a mark before them.
_LONGEST_KEY = 200


def to_yaml(document: JsonValue) -> str:
    """Write a document as YAML. Raises GraphInvalid where it is nested too deeply."""
    return "\n".join(_block(document, 1)) + "\n"


def member_lines(key: str, value: JsonValue) -> list[str]:
    """Write one member of an object as lines. Raises GraphInvalid where it is nested too deeply."""
    return _member(_quoted(key), value, depth=1)


def _block(value: JsonValue, depth: int) -> list[str]:
    """Write a value as lines of its own, the first of which may follow a dash or a key."""
    if depth > MAX_NESTING:
        raise GraphInvalid([Problem("$", f"The document is nested deeper than {MAX_NESTING} levels. Flatten it.")])
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return _object(value, depth) if value else ["{}"]
    if isinstance(value, Sequence):
        return [line for item in value for line in _hung("- ", _block(item, depth + 1))] or ["[]"]
    return [json.dumps(value)]


def _object(value: Mapping[str, JsonValue], depth: int) -> list[str]:
    if value.keys() == {"x", "y"} and all(isinstance(part, int | float) for part in value.values()):
        return ["{" + ", ".join(f"{_quoted(key)}: {json.dumps(part)}" for key, part in value.items()) + "}"]
    lines: list[str] = []
    for key, part in value.items():
        lines.extend(_member(_quoted(key), part, depth=depth))
    return lines


def _member(key: str, value: JsonValue, *, depth: int) -> list[str]:
    block = _block(value, depth + 1)
    if len(key) > _LONGEST_KEY:
        return [f"? {key}", *_hung(": ", block)]
    follows = isinstance(value, str) or (len(block) == 1 and not _is_block(value))
    if follows:
        return [f"{key}: {block[0]}", *_indented(block[1:])]
    return [f"{key}:", *_indented(block)]


def _is_block(value: JsonValue) -> bool:
    """Whether even a single line of it stands on a line of its own: a dash, or a key."""
    if isinstance(value, Mapping):
        return bool(value) and not _object(value, 1)[0].startswith("{")
    return isinstance(value, Sequence) and not isinstance(value, str) and bool(value)


def _hung(mark: str, lines: Sequence[str]) -> list[str]:
    return [mark + lines[0], *_indented(lines[1:])]


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" if line else line for line in lines]


def _text(text: str) -> list[str]:
    lines = text.rstrip("\n").split("\n")
    is_readable = len(lines) > 1 or text.endswith("\n")
    fits = lines[0][:1].strip() and all(line.strip() or not line for line in lines)
    if not is_readable or not fits or _NOT_AS_IT_IS.search(text):
        return [_quoted(text)]
    ends = len(text) - len(text.rstrip("\n"))
    mark = "|-" if ends == 0 else "|" if ends == 1 else "|+"
    return [mark, *lines, *[""] * (ends - 1)]


def _quoted(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.casefold() not in _WORDS:
        return text
    written = json.dumps(text, ensure_ascii=False)
    return _NEEDS_ESCAPE.sub(lambda found: f"\\u{ord(found.group()):04x}", written)
