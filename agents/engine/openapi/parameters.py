# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Where the arguments of an operation go: into its path, query, headers, cookies and body."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, cast

from agents.engine.openapi.shapes import Resolver
from codexos.kernel.jsontypes import JsonObject, JsonValue

Place = Literal["path", "query", "header", "cookie", "body"]

_PLACES = frozenset({"path", "query", "header", "cookie"})
_STYLES: Mapping[str, Sequence[str]] = {
    "path": ("simple",),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}
# What the document may not say of a header: the client and the key's own place do.
_HEADERS_OF_OURS = frozenset({"accept", "content-type", "authorization"})
_FORM = "application/x-www-form-urlencoded"
_MOST_PARAMETERS = 60


class Unsupported(Exception):
    """An operation asks for something that is not done from here; told in words."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a tool: what it is called there, and where and how it is sent."""

    name: str
    place: Place
    argument: str
    schema: JsonObject = field(default_factory=dict)
    is_required: bool = False
    style: str = ""
    explode: bool = False
    as_json: bool = False
    media_type: str = ""

    def kept(self) -> JsonObject:
        """Return what calling needs of it."""
        named = ("name", "place", "argument", "style", "explode", "as_json", "media_type")
        return {each: getattr(self, each) for each in named}


def parameter_of(kept: JsonObject) -> Parameter:
    """Return one as it was kept."""
    return Parameter(**kept)  # type: ignore[arg-type]


def parameters_of(listed: Sequence[JsonValue], resolver: Resolver) -> list[Parameter]:
    """Read parameters; an operation's own go over those of its path. Raises Unsupported and the resolver's."""
    found: dict[tuple[str, str], Parameter] = {}
    for each in listed:
        said = resolver.follow(each)
        name, place = said.get("name"), said.get("in")
        if not isinstance(name, str) or not name or place not in _PLACES:
            raise Unsupported("one of its parameters has no name or no place")
        if place == "header" and name.lower() in _HEADERS_OF_OURS:
            continue
        found[name, str(place)] = _parameter(said, name, cast(Place, place), resolver=resolver)
    if len(found) > _MOST_PARAMETERS:
        raise Unsupported(f"it has more than {_MOST_PARAMETERS} parameters")
    return _with_names_of_their_own(list(found.values()))


def body_of(value: JsonValue, resolver: Resolver, *, taken: Collection[str]) -> Parameter | None:
    """Read what an operation wants as its body; None where it wants none. Raises Unsupported and the resolver's."""
    if value is None:
        return None
    said = resolver.follow(value)
    content = said.get("content")
    types = dict(content) if isinstance(content, Mapping) else {}
    chosen = _chosen_type(types)
    if chosen is None:
        if said.get("required") is not True:
            return None
        raise Unsupported(f"it wants a body of {', '.join(sorted(types))[:120] or 'no known kind'}")
    kind = resolver.follow(types[chosen])
    schema = resolver.schema(kind.get("schema", {}))
    if chosen.startswith("text/"):
        schema = {"type": "string"}
    argument = "body" if "body" not in taken else "request_body"
    return Parameter(
        "body", "body", argument, schema=schema, is_required=said.get("required") is True, media_type=chosen
    )


def _parameter(said: JsonObject, name: str, place: Place, *, resolver: Resolver) -> Parameter:
    content = said.get("content")
    if isinstance(content, Mapping) and content:
        media_type, kind = next(iter(content.items()))
        if not _is_json(media_type):
            raise Unsupported(f"its parameter {name[:60]!r} is sent as {media_type[:60]}")
        schema = resolver.schema(resolver.follow(kind).get("schema", {}))
        return _described(Parameter(name, place, name, schema=schema, as_json=True), said)
    style = said.get("style", _STYLES[place][0])
    if style not in _STYLES[place]:
        raise Unsupported(f"its parameter {name[:60]!r} is written in the style {str(style)[:40]!r}")
    explode = said.get("explode", style == "form") is True
    schema = resolver.schema(said.get("schema", {}))
    return _described(Parameter(name, place, name, schema=schema, style=str(style), explode=explode), said)


def _described(parameter: Parameter, said: JsonObject) -> Parameter:
    told = said.get("description")
    schema = parameter.schema
    if isinstance(told, str) and told and "description" not in schema:
        schema = {**schema, "description": told[:600]}
    is_required = parameter.place == "path" or said.get("required") is True
    return replace(parameter, schema=schema, is_required=is_required)


def _with_names_of_their_own(parameters: Sequence[Parameter]) -> list[Parameter]:
    """Have a name that stands in two places be two arguments."""
    taken: set[str] = set()
    named = []
    for each in parameters:
        argument = each.name if each.name not in taken else f"{each.name}_{each.place}"
        if argument in taken:
            raise Unsupported(f"several of its parameters are called {each.name[:60]!r}")
        taken.add(argument)
        named.append(replace(each, argument=argument))
    return named


def _chosen_type(types: Collection[str]) -> str | None:
    """Return the media type that a body is sent as: JSON before a form before text."""
    for fits in (_is_json, lambda kind: _bare(kind) == _FORM, lambda kind: _bare(kind).startswith("text/")):
        for kind in types:
            if fits(kind):
                return _bare(kind) if "*" not in kind else "application/json"
    return None


def _is_json(media_type: str) -> bool:
    kind = _bare(media_type)
    return kind == "application/json" or kind.endswith("+json") or kind == "*/*"


def _bare(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()
