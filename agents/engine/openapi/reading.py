# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""An OpenAPI 3.0 or 3.1 document as the tools it describes, each ready to be called or with why it cannot be."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, cast
from urllib.parse import urljoin, urlsplit

from agents.engine.offered import DESCRIPTION_CHARACTERS, OfferedTool, clean_tool_name
from agents.engine.openapi.parameters import Parameter, Unsupported, body_of, parameters_of
from agents.engine.openapi.shapes import Resolver, TooLarge, Unresolved
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.schemas import schema_trouble

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
MOST_OPERATIONS = 500
_READING = frozenset({"get", "head", "options"})
_VARIABLE = re.compile(r"\{([^{}]*)\}")


class ReadDocument(NamedTuple):
    """What a document says: its tools, what it is, where its server is, and how it says it is asked for a key."""

    tools: Sequence[OfferedTool]
    title: str
    server: str
    auth: JsonObject


class NoOpenApi(Exception):
    """It is no OpenAPI document that can be read here; told in words."""


def read_openapi(document: JsonValue, *, address: str = "") -> ReadDocument:
    """Read a document. Raises NoOpenApi; an operation that cannot be called is among the tools with its trouble."""
    if not isinstance(document, Mapping):
        raise NoOpenApi("it is no object")
    version = document.get("openapi")
    if not isinstance(version, str) or not version.startswith(("3.0", "3.1")):
        said = "swagger 2.0" if "swagger" in document else repr(version)[:40]
        raise NoOpenApi(f"it is to be OpenAPI 3.0 or 3.1 and says {said}")
    paths = document.get("paths")
    if not isinstance(paths, Mapping):
        raise NoOpenApi("it has no 'paths'")
    resolver, server = Resolver(document), _server_of(document, address)
    tools: dict[str, OfferedTool] = {}
    for found in _operations(paths, resolver):
        if len(tools) >= MOST_OPERATIONS:
            raise NoOpenApi(f"it has more than {MOST_OPERATIONS} operations; hand over a part of it")
        name = clean_tool_name(found.name, taken=tools)
        tools[name] = _tool(found, name, resolver=resolver, server=server)
    about = document.get("info")
    title = about.get("title") if isinstance(about, Mapping) else ""
    return ReadDocument(list(tools.values()), str(title or "")[:200], server, _auth_of(document, resolver))


class _Operation(NamedTuple):
    method: str
    path: str
    said: JsonObject
    shared: Sequence[JsonValue]
    trouble: str = ""

    @property
    def name(self) -> str:
        given = self.said.get("operationId")
        return given if isinstance(given, str) and given.strip() else f"{self.method} {self.path}"


def _operations(paths: JsonObject, resolver: Resolver) -> Iterator[_Operation]:
    for path, item in paths.items():
        try:
            told = resolver.follow(item)
        except Unresolved:
            continue
        shared = told.get("parameters")
        for method in METHODS:
            said = told.get(method)
            if said is None or not path.startswith("/"):
                continue
            if isinstance(said, Mapping):
                yield _Operation(method, path, said, shared if isinstance(shared, list | tuple) else ())
            else:
                yield _Operation(method, path, {}, (), "what the document says of it is no object")


def _tool(found: _Operation, name: str, *, resolver: Resolver, server: str) -> OfferedTool:
    said = [found.said.get("summary"), found.said.get("description")]
    lines = dict.fromkeys(text.strip() for text in said if isinstance(text, str) and text.strip())
    description = "\n".join(lines)[:DESCRIPTION_CHARACTERS] or f"{found.method.upper()} {found.path}"
    call: dict[str, JsonValue] = {"method": found.method.upper(), "path": found.path, "server": server}
    trouble, schema = "", cast(JsonObject, {})
    try:
        if found.trouble:
            raise Unsupported(found.trouble)
        parameters = parameters_of([*found.shared, *_listed(found.said.get("parameters"))], resolver)
        body = body_of(found.said.get("requestBody"), resolver, taken={each.argument for each in parameters})
        _insist_path(found.path, parameters)
        schema = _schema([*parameters, *([body] if body else [])])
        trouble = _trouble(schema)
        call |= {"parameters": [each.kept() for each in parameters], "body": body.kept() if body else None}
    except (Unsupported, Unresolved) as error:
        trouble = f"It cannot be called from here: {error}."
    except TooLarge:
        trouble = "What it takes is larger than a tool's schema may be."
    return OfferedTool(
        name,
        description,
        schema if not trouble else {},
        reads_only=found.method in _READING,
        trouble=trouble,
        call=call,
    )


def _schema(parameters: Sequence[Parameter]) -> JsonObject:
    required = [each.argument for each in parameters if each.is_required]
    return {
        "type": "object",
        "properties": {each.argument: each.schema for each in parameters},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _trouble(schema: JsonObject) -> str:
    said = schema_trouble(schema)
    return f"What it takes cannot be checked: its schema {said}." if said else ""


def _insist_path(path: str, parameters: Sequence[Parameter]) -> None:
    known = {each.name for each in parameters if each.place == "path"}
    if missing := sorted(set(_VARIABLE.findall(path)) - known):
        raise Unsupported(f"its path wants {missing[0][:60]!r}, which no parameter says")


def _server_of(document: JsonObject, address: str) -> str:
    servers = document.get("servers")
    first = servers[0] if isinstance(servers, list | tuple) and servers else {"url": "/"}
    url = first.get("url") if isinstance(first, Mapping) else None
    variables = first.get("variables") if isinstance(first, Mapping) else None
    filled = _VARIABLE.sub(lambda found: _default(variables, found[1]), str(url or "/"))
    try:
        whole = urljoin(address, filled) if address else filled
        return whole.rstrip("/") if urlsplit(whole).scheme in {"http", "https"} else ""
    except ValueError:
        return ""


def _default(variables: JsonValue, name: str) -> str:
    said = variables.get(name) if isinstance(variables, Mapping) else None
    default = said.get("default") if isinstance(said, Mapping) else None
    return str(default) if default is not None else ""


def _auth_of(document: JsonObject, resolver: Resolver) -> JsonObject:
    """Say how the document wants to be asked with a key, as far as we send one so; values it may hold are not read."""
    components = document.get("components")
    schemes = components.get("securitySchemes") if isinstance(components, Mapping) else None
    for scheme in schemes.values() if isinstance(schemes, Mapping) else ():
        try:
            if found := _scheme(resolver.follow(scheme)):
                return found
        except Unresolved:
            continue
    return {}


def _scheme(scheme: JsonObject) -> JsonObject:
    match scheme.get("type"), str(scheme.get("scheme", "")).lower():
        case "apiKey", _:
            return {"how": "api_key", "in": scheme.get("in"), "name": scheme.get("name")}
        case "http", ("bearer" | "basic") as how:
            return {"how": how}
        case "oauth2", _:
            flows = scheme.get("flows")
            flow = flows.get("clientCredentials") if isinstance(flows, Mapping) else None
            return {"how": "oauth2", "token_url": flow.get("tokenUrl")} if isinstance(flow, Mapping) else {}
        case _:
            return {}


def _listed(value: JsonValue) -> Sequence[JsonValue]:
    return value if isinstance(value, list | tuple) else ()
