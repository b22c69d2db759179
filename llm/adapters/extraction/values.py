# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A value for a schema out of texts: each field by its form, its label or the sentence about it; nothing made up."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.prose import plain, words
from llm.adapters.extraction.choosing import Embed, choose
from llm.adapters.extraction.fields import LONGEST_VALUE, MOST_ITEMS, Field, least, narrowed
from llm.adapters.extraction.material import Labeled, Material
from llm.adapters.extraction.patterns import BY_FORMAT, format_of, numbers, yes_or_no
from llm.adapters.quoting import Quote

MOST_DEPTH = 6
_NEGATION = re.compile(r"\b(not?|never|without|isn't|wasn't|doesn't|don't|kein\w*|nicht|ohne|nie)\b", re.IGNORECASE)
_PARTED = re.compile(r"\s*[,;•]\s*|\s+(?:and|und|&)\s+")


@dataclass(frozen=True, slots=True)
class Extracted:
    """What was found, the names of fields that nothing was found for, and the words that values stand in."""

    value: JsonValue
    missing: Sequence[str]
    found: Sequence[str]


def extract(schema: JsonObject, material: Material, *, about: str = "", embed: Embed | None = None) -> Extracted:
    """Fill a schema from texts. ``about`` is what a person asked, to which a choice is to fit."""
    finding = _Finding(material, about, embed)
    value = finding.value(Field("", schema))
    if value is None and schema.get("type") != "null":
        value = least(schema)
    return Extracted(value, finding.missing, finding.found)


class _Finding:
    """One schema, filled from one body of text."""

    def __init__(self, material: Material, about: str, embed: Embed | None) -> None:
        self._material = material
        self._about = about
        self._embed = embed
        self.missing: list[str] = []
        self.found: list[str] = []

    def value(self, field: Field, depth: int = 0) -> JsonValue:
        """Find a value; None where nothing fits."""
        shape = narrowed(field.shape)
        field = Field(field.name, shape, field.within)
        if depth > MOST_DEPTH or shape.get("type") == "null":
            return None
        if "const" in shape:
            return shape["const"]
        if isinstance(choices := shape.get("enum"), list | tuple) and choices:
            return self._chosen(field, choices)
        find = self._kinds.get(field.kind, _Finding._text)
        return find(self, field, depth)

    def _object(self, field: Field, depth: int) -> JsonValue:
        properties = field.shape.get("properties")
        required = field.shape.get("required")
        needed = set(map(str, required)) if isinstance(required, list | tuple) else set()
        filled: dict[str, JsonValue] = {}
        for name, shape in properties.items() if isinstance(properties, Mapping) else ():
            if not isinstance(shape, Mapping):
                continue
            found = self.value(Field(name, shape, field.name), depth + 1)
            if found is None:
                self.missing.append(name)
            if found is not None or name in needed:
                filled[name] = least(shape) if found is None else found
        return filled

    def _list(self, field: Field, depth: int) -> JsonValue:
        items = field.shape.get("items")
        shape = narrowed(items) if isinstance(items, Mapping) else {}
        one = Field(field.name, shape, field.within)
        most = field.shape.get("maxItems")
        most = min(most, MOST_ITEMS) if isinstance(most, int) else MOST_ITEMS
        found: list[JsonValue] = []
        for each in self._items(one):
            if each not in found:
                found.append(each)
            if len(found) >= most:
                break
        return found[:most] if found or not field.shape.get("minItems") else None

    def _items(self, one: Field) -> Iterator[JsonValue]:
        choices = one.shape.get("enum")
        if isinstance(choices, list | tuple):
            said = set(words(self._material.text))
            yield from (each for each in choices if (spoken := set(words(str(each)))) and spoken <= said)
            return
        if one.kind == "object":
            yield from self._rows(one)
            return
        form = format_of(_text_of(one.shape.get("format")), one.name)
        if form:
            yield from (self._noted(value) for _, _, value in BY_FORMAT[form](self._material.text))
            return
        listed = [part for each in self._material.behind(one.words)[:1] for part in _PARTED.split(each.value) if part]
        values = listed or [quote.sentence.text for quote in self._under(one)]
        if one.kind in {"number", "integer"}:
            values = [value for _, _, value in numbers(" ; ".join(values) or self._material.text)]
            yield from (number for value in values if (number := _number(value, one)) is not None)
            return
        yield from (self._noted(plain(value)) for value in values)

    def _under(self, one: Field) -> Iterator[Quote]:
        """Items of lists that stand under a heading of these words."""
        wanted = set(one.words)
        for quote in self._material.reading.every():
            if quote.sentence.kind == "item" and wanted & set(words(quote.sentence.heading)):
                yield quote

    def _rows(self, one: Field) -> Iterator[JsonValue]:
        """Rows of tables whose columns are called as the fields are."""
        properties = one.shape.get("properties")
        shapes = (
            {name: shape for name, shape in (properties or {}).items() if isinstance(shape, Mapping)}
            if isinstance(properties, Mapping)
            else {}
        )
        columns: list[str] = []
        for quote in self._material.reading.every():
            cells = [cell.strip() for cell in quote.sentence.text.strip().strip("|").split("|")]
            if quote.sentence.kind == "columns":
                columns = cells
            elif quote.sentence.kind == "row" and columns:
                row = self._row(dict(zip(columns, cells, strict=False)), shapes)
                if row:
                    yield row

    def _row(self, cells: Mapping[str, str], shapes: Mapping[str, JsonObject]) -> JsonObject:
        filled: dict[str, JsonValue] = {}
        for name, shape in shapes.items():
            cell = next((cells[column] for column in cells if set(words(name)) & set(words(column))), None)
            value = None if not cell else self._read(cell, Field(name, narrowed(shape)))
            if value is not None:
                filled[name] = value
        return filled

    def _read(self, text: str, field: Field) -> JsonValue:
        """Read one value out of a short text that is known to be about it."""
        if isinstance(choices := field.shape.get("enum"), list | tuple) and choices:
            chosen = choose(text, list(map(str, choices)))
            return None if chosen is None else choices[chosen]
        if field.kind == "boolean":
            return yes_or_no(text)
        if field.kind in {"number", "integer"}:
            return next(
                (number for _, _, value in numbers(text) if (number := _number(value, field)) is not None), None
            )
        form = format_of(_text_of(field.shape.get("format")), field.name)
        if form and (found := next(BY_FORMAT[form](text), None)):
            return self._noted(found[2], found[2] if found[2] in text else text[found[0] : found[1]])
        if field.shape.get("format") in BY_FORMAT:
            return None
        return self._fitting(text, field) if field.kind == "string" else None

    def _text(self, field: Field, _depth: int) -> JsonValue:
        labeled = self._material.behind(field.words)
        value = self._first(labeled, field)
        if value is not None:
            return value
        form = format_of(_text_of(field.shape.get("format")), field.name)
        if form:
            return self._nearest(field, lambda text: BY_FORMAT[form](text), form=form)
        if not field.name:
            return self._fitting(plain(self._material.text), field)
        sentence = next(iter(self._material.sentences_on(field.question)), None)
        return None if sentence is None else self._fitting(sentence.sentence.text, field)

    def _first(self, labeled: Sequence[Labeled], field: Field) -> JsonValue:
        return next((value for each in labeled[:5] if (value := self._read(each.value, field)) is not None), None)

    def _number(self, field: Field, _depth: int) -> JsonValue:
        value = self._first(self._material.behind(field.words), field)
        return value if value is not None else self._nearest(field, numbers, form="number")

    def _nearest(self, field: Field, find: Callable[[str], Iterator[tuple[int, int, str]]], *, form: str) -> JsonValue:
        """What has the form, in the sentence about the field, nearest behind its words; else the only one there is."""
        for quote in self._material.sentences_on(field.question)[:5]:
            for start, end, value in sorted(find(quote.sentence.text), key=_behind(field, quote.sentence.text)):
                if (told := self._formed(value, field, form=form, said=quote.sentence.text[start:end])) is not None:
                    return told
        every: list[tuple[str, str]] = []
        for start, end, value in find(self._material.text):
            if value not in [each for each, _ in every]:
                every.append((value, self._material.text[start:end]))
            # Of several numbers none is meant; of several dates or addresses the first is.
            if len(every) > 1:
                break
        is_clear = len(every) == 1 or (form != "number" and every)
        return self._formed(every[0][0], field, form=form, said=every[0][1]) if is_clear else None

    def _formed(self, value: str, field: Field, *, form: str, said: str) -> JsonValue:
        if form != "number":
            return self._noted(value, said)
        number = _number(value, field)
        if number is not None:
            self.found.append(said)
        return number

    def _boolean(self, field: Field, _depth: int) -> JsonValue:
        told = self._first(self._material.behind(field.words), field)
        if told is not None:
            return told
        sentence = next(iter(self._material.sentences_on(field.question)), None)
        return None if sentence is None else _NEGATION.search(sentence.sentence.text) is None

    def _chosen(self, field: Field, choices: Sequence[JsonValue]) -> JsonValue:
        names = [str(each) for each in choices]
        for each in self._material.behind(field.words)[:3]:
            if (chosen := choose(each.value, names)) is not None:
                return choices[chosen]
        about = " ".join(
            part for part in (field.name.replace("_", " "), _text_of(field.shape.get("description"))) if part
        )
        chosen = choose(self._material.text or self._about, names, about=about, embed=self._embed)
        return None if chosen is None else choices[chosen]

    def _fitting(self, text: str, field: Field) -> JsonValue:
        longest = field.shape.get("maxLength")
        text = plain(text)[: longest if isinstance(longest, int) else LONGEST_VALUE]
        fewest = field.shape.get("minLength")
        return self._noted(text) if text and len(text) >= (fewest if isinstance(fewest, int) else 0) else None

    def _noted(self, value: str, said: str = "") -> str:
        self.found.append(said or value)
        return value

    _kinds: Mapping[str, Callable[["_Finding", Field, int], JsonValue]] = {
        "object": _object,
        "array": _list,
        "string": _text,
        "number": _number,
        "integer": _number,
        "boolean": _boolean,
    }


def _behind(field: Field, text: str) -> Callable[[tuple[int, int, str]], tuple[int, int]]:
    """Order what was found in a sentence by how near behind the field's words it stands; before them comes last."""
    lowered = text.casefold()
    places = [place for word in field.words if (place := lowered.find(word[:5])) >= 0]
    at = max(places, default=0)
    return lambda found: (found[0] < at, abs(found[0] - at))


def _number(text: str, field: Field) -> JsonValue:
    number: int | float = float(text) if "." in text else int(text)
    if field.kind == "integer":
        if number != int(number):
            return None
        number = int(number)
    lowest, highest = field.shape.get("minimum"), field.shape.get("maximum")
    is_low = isinstance(lowest, int | float) and number < lowest
    is_high = isinstance(highest, int | float) and number > highest
    return None if is_low or is_high else number


def _text_of(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None
