# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Flow documents as text: JSON or YAML, and where in it a problem stands."""

from collections.abc import Iterable, Mapping
from typing import Literal

from agents.engine.errors import GraphInvalid
from agents.engine.json_text import read_json, spots_of_json
from agents.engine.places import Step, steps_of
from agents.engine.spots import line_and_column, unreadable
from agents.engine.yaml_text import read_yaml, spots_of_yaml
from codexos.kernel.jsontypes import JsonObject, JsonValue

MAX_DOCUMENT_CHARACTERS = 2_000_000

Format = Literal["json", "yaml"]


def read_document(text: str | bytes, *, format: Format | None = None) -> JsonObject:
    """Read a flow document from text. Raises GraphInvalid, however broken, large or deeply nested it is.

    Without ``format`` a text that begins like JSON is read as JSON, and as YAML where it turns out to be that.
    """
    said = _decoded(text)
    document = _read(said, format)
    if not isinstance(document, dict):
        raise unreadable("A flow is an object with a list of 'nodes'. Write one.", said, at=None)
    return document


def locate(text: str | bytes, place: str) -> tuple[int, int] | None:
    """Say on which line and at which column a place of a document stands in its text, both from 1.

    A key stands where it is written, an item where it begins; what is missing, where it is missing from. None where
    that cannot be told.
    """
    return locate_all(text, [place]).get(place)


def locate_all(text: str | bytes, places: Iterable[str]) -> Mapping[str, tuple[int, int]]:
    """Locate many places at once, in one walk over the text."""
    try:
        said = _decoded(text)
    except GraphInvalid:
        return {}
    wanted = {place: steps for place in places if (steps := steps_of(place)) is not None}
    # Of each place the longest part of its way that there is, so that what is missing is shown where it belongs.
    ways: set[tuple[Step, ...]] = {steps[:length] for steps in wanted.values() for length in range(len(steps) + 1)}
    spots = spots_of_json(said) if _looks_like_json(said) else spots_of_yaml(said)
    found = {steps: at for steps, at in spots if steps in ways}
    located: dict[str, tuple[int, int]] = {}
    for place, steps in wanted.items():
        nearest = next((steps[:length] for length in range(len(steps), -1, -1) if steps[:length] in found), None)
        if nearest is not None:
            located[place] = line_and_column(said, found[nearest])
    return located


def _decoded(text: str | bytes) -> str:
    if len(text) > MAX_DOCUMENT_CHARACTERS:
        raise unreadable(_size_message(len(text), "bytes" if isinstance(text, bytes) else "characters"), "", at=None)
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"The document is not UTF-8: byte number {error.start + 1} cannot be read. Save it as UTF-8."
        raise unreadable(message, "", at=None) from None


def _size_message(size: int, unit: str) -> str:
    return f"The document has {size:,} {unit}; at most {MAX_DOCUMENT_CHARACTERS:,} are read. Split the flow."


def _looks_like_json(text: str) -> bool:
    return text.lstrip(" \t\r\n")[:1] in {"{", "["}


def _read(text: str, format: Format | None) -> JsonValue:
    if format == "yaml" or (format is None and not _looks_like_json(text)):
        return read_yaml(text)
    try:
        return read_json(text)
    except GraphInvalid as error:
        # YAML has braces too, and may leave out the quotes. Whatever is wrong is told of the JSON it looks like.
        if format is None and error.problems[0].line is not None and _is_yaml(text):
            return read_yaml(text)
        raise


def _is_yaml(text: str) -> bool:
    try:
        return isinstance(read_yaml(text), dict)
    except GraphInvalid:
        return False
