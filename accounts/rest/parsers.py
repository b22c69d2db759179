# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Reading JSON bodies strictly: what the database or the next program could not hold is refused at the door."""

import json
import math
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import JSONParser

DEEPEST = 100
_LARGEST_INTEGER = 2**63 - 1


class StrictJSONParser(JSONParser):
    """RFC 8259 in UTF-8: no name twice, no NaN, integers of 64 bits, bounded depth, no NUL, no half surrogates."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the document. Raises ParseError (400), ValidationError (422), RequestDataTooBig (413)."""
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise RequestDataTooBig
        return read_json(raw)


def read_json(raw: bytes) -> Any:
    """Return the document in ``raw``. Raises ParseError where it is no JSON, ValidationError on bad text."""
    try:
        document = json.loads(
            raw.decode("utf-8-sig"),
            parse_constant=_refuse_constant,
            parse_int=_integer,
            parse_float=_float,
            object_pairs_hook=_once_each,
        )
    except UnicodeDecodeError as error:
        raise ParseError(f"The body is not UTF-8: byte {error.start} does not fit.") from error
    except RecursionError as error:
        raise ParseError(f"The body nests deeper than {DEEPEST} levels.") from error
    except ValueError as error:
        raise ParseError(f"The body is not JSON: {error}.") from error
    # Walking is left out where it cannot find anything: such text comes only by escapes, such depth only by brackets.
    if b"\\u" in raw or raw.count(b"[") + raw.count(b"{") > DEEPEST:
        _check(document)
    return document


def _check(document: Any) -> None:
    waiting: list[tuple[Any, str, int]] = [(document, "", 1)]
    while waiting:
        value, place, depth = waiting.pop()
        if depth > DEEPEST:
            raise ParseError(f"The body nests deeper than {DEEPEST} levels.")
        if isinstance(value, str):
            check_text(value, place=place)
        elif isinstance(value, list):
            waiting.extend((inner, f"{place}[{index}]", depth + 1) for index, inner in enumerate(value))
        elif isinstance(value, dict):
            for name, inner in value.items():
                check_text(name, place=place)
                waiting.append((inner, f"{place}.{name}" if place else name, depth + 1))


def check_text(text: str, *, place: str) -> None:
    """Raise ValidationError where ``text`` holds what PostgreSQL and UTF-8 cannot: a NUL, half a surrogate pair."""
    if "\x00" in text:
        raise ValidationError({place or "body": ["Text may not contain NUL characters."]})
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValidationError({place or "body": ["Text may not contain half of a surrogate pair."]}) from None


def _once_each(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        names = [name for name, _ in members]
        twice = next(name for name in found if names.count(name) > 1)
        raise ValueError(f"{twice[:60]!r} stands twice in one object")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _integer(digits: str) -> int:
    # Twenty characters hold every integer of 64 bits; longer ones are not even read.
    if len(digits) > 20 or abs(number := int(digits)) > _LARGEST_INTEGER:
        raise ValueError(f"{digits[:24]}… is beyond 64 bits")
    return number


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits[:24]} is beyond what a number can hold")
    return number
