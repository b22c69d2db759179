# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Fields of a schema: what they are called, what they take, and the least that can stand in them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.prose import words

LONGEST_VALUE = 2_000
MOST_ITEMS = 100
_ANY = {"string", "number", "integer", "boolean", "array", "object", "null"}


@dataclass(frozen=True, slots=True)
class Field:
    """One field that is wanted: its name, its schema, and the words people may have used for it."""

    name: str
    shape: JsonObject
    within: str = ""

    @property
    def words(self) -> Sequence[str]:
        """The words of its name, else those of the field it stands in."""
        return words(self.name) or words(self.within)

    @property
    def question(self) -> str:
        """What is asked of the texts, in words."""
        said = [self.within, self.name, str(self.shape.get("title", "")), str(self.shape.get("description", ""))]
        return " ".join(part.replace("_", " ") for part in said if part)

    @property
    def kind(self) -> str:
        """The type that is wanted, the first that is not null."""
        kinds = self.shape.get("type")
        listed = [kinds] if isinstance(kinds, str) else list(kinds) if isinstance(kinds, list | tuple) else []
        known = [str(each) for each in listed if each in _ANY and each != "null"]
        if known:
            return known[0]
        return "object" if "properties" in self.shape else "array" if "items" in self.shape else "string"


def narrowed(shape: JsonObject) -> JsonObject:
    """Of several shapes the first that is something."""
    for word in ("anyOf", "oneOf", "allOf"):
        ways = shape.get(word)
        if isinstance(ways, list | tuple):
            chosen = next((way for way in ways if isinstance(way, Mapping) and way.get("type") != "null"), None)
            if ways and chosen is None:
                return {"type": "null"}
            if chosen is not None:
                return {**{name: each for name, each in shape.items() if name != word}, **narrowed(chosen)}
    return shape


def least(shape: JsonObject) -> JsonValue:
    """What stands where something must stand and nothing was found: as little as the schema takes."""
    kinds = shape.get("type")
    if "default" in shape:
        return shape["default"]
    if kinds == "null" or (isinstance(kinds, list | tuple) and "null" in kinds):
        return None
    if any(isinstance(way, Mapping) and way.get("type") == "null" for way in _ways(shape)):
        return None
    shape = narrowed(shape)
    if isinstance(choices := shape.get("enum"), list | tuple) and choices:
        last: JsonValue = choices[-1]
        return last
    return _LEAST[Field("", shape).kind](shape)


def _ways(shape: JsonObject) -> Iterator[JsonValue]:
    for word in ("anyOf", "oneOf"):
        ways = shape.get(word)
        yield from ways if isinstance(ways, list | tuple) else ()


def _least_object(shape: JsonObject) -> JsonValue:
    required, properties = shape.get("required"), shape.get("properties")
    shapes = properties if isinstance(properties, Mapping) else {}
    named = [str(name) for name in required] if isinstance(required, list | tuple) else []
    return {name: least(each) if isinstance(each := shapes.get(name), Mapping) else None for name in named}


def _least_number(shape: JsonObject) -> JsonValue:
    lowest = shape.get("minimum")
    return lowest if isinstance(lowest, int | float) else 0


def _least_list(shape: JsonObject) -> JsonValue:
    count, items = shape.get("minItems"), shape.get("items")
    one = least(items) if isinstance(items, Mapping) else None
    return [one] * min(count, MOST_ITEMS) if isinstance(count, int) else []


def _least_text(shape: JsonObject) -> JsonValue:
    fewest, most = shape.get("minLength"), shape.get("maxLength")
    if not isinstance(fewest, int) or fewest < 1:
        return ""
    return "unknown".ljust(min(fewest, LONGEST_VALUE), ".")[: most if isinstance(most, int) else None]


_LEAST: Mapping[str, Callable[[JsonObject], JsonValue]] = {
    "object": _least_object,
    "array": _least_list,
    "string": _least_text,
    "number": _least_number,
    "integer": _least_number,
    "boolean": lambda shape: False,
    "null": lambda shape: None,
}
