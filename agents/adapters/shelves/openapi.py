# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Tool servers described by an OpenAPI document: read within bounds, called through the gate, at one host each."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast
from urllib.parse import quote, urlencode, urlsplit

from agents.adapters.shelves.keys import Sent, auth_of, check_auth
from agents.adapters.shelves.kinds import ReadServer, ServerPlace
from agents.adapters.tools.http_result import RESULT_SCHEMA, refuse_error, result_of
from agents.adapters.tools.room import ToolRoom
from agents.engine.errors import GraphInvalid
from agents.engine.gate import Occasion
from agents.engine.offered import OfferedTool
from agents.engine.openapi.parameters import Parameter, parameter_of
from agents.engine.openapi.reading import NoOpenApi, read_openapi
from agents.engine.reading import read_document
from agents.engine.tools import ToolSpec
from agents.errors import ToolDocumentInvalid, ToolFailed, ToolServerInvalid
from codexos.kernel.asking import AskOptions
from codexos.kernel.egress import EgressPolicy, EgressRefused
from codexos.kernel.http import HttpClient, HttpLimits, RequestInvalid, Unreachable
from codexos.kernel.jsontypes import JsonObject, JsonValue

DOCUMENT_BYTES = 2_000_000
BODY_BYTES = 2_000_000
TIMEOUT_SECONDS = 60.0
_READ_LIMITS = HttpLimits(total_seconds=20, connect_seconds=5, idle_seconds=20, body_bytes=DOCUMENT_BYTES)
_CALL_LIMITS = HttpLimits(total_seconds=TIMEOUT_SECONDS - 5, connect_seconds=10, idle_seconds=30, body_bytes=BODY_BYTES)
_SEPARATORS = {"form": ",", "simple": ",", "spaceDelimited": " ", "pipeDelimited": "|"}


class OpenApiAdapter:
    """Reads and calls what an OpenAPI document describes."""

    def check(self, place: ServerPlace) -> None:
        """See the port."""
        check_auth(place)
        base_url = place.config.get("base_url", "")
        if not isinstance(base_url, str) or (base_url and not _is_web(base_url)):
            raise ToolServerInvalid("base_url", "An address begins with https:// or http:// and names a host.")
        if place.address and not _is_web(place.address):
            raise ToolServerInvalid("address", "An address begins with https:// or http:// and names a host.")

    async def read(self, place: ServerPlace, room: ToolRoom, *, document: str | None) -> ReadServer:
        """See the port. Raises ToolDocumentInvalid, ToolFailed and what the gate raises."""
        text = document if document is not None else await _fetch(place, room)
        # In a thread: megabytes of YAML take their time.
        return await asyncio.to_thread(_read, text, place, room.egress)

    def tool(self, place: ServerPlace, offered: OfferedTool, room: ToolRoom) -> "OpenApiTool":
        """See the port."""
        return OpenApiTool(place, offered, room)


class OpenApiTool:
    """One operation of a server."""

    def __init__(self, place: ServerPlace, offered: OfferedTool, room: ToolRoom) -> None:
        self._place = place
        self._offered = offered
        self._room = room
        self._base = base_of(place, offered)
        self._parameters = [parameter_of(each) for each in _objects(offered.call.get("parameters"))]
        body = offered.call.get("body")
        self._body = parameter_of(body) if isinstance(body, Mapping) else None

    @property
    def spec(self) -> ToolSpec:
        """What is promised about it."""
        host = urlsplit(self._base).hostname or "*"
        key = (f"secret:{self._place.key}",) if self._place.key else ()
        does = ("read",) if self._offered.reads_only else ("read", "write")
        return ToolSpec(
            name=f"{self._place.name}.{self._offered.name}",
            description=self._offered.description,
            schema=self._offered.schema,
            result_schema=RESULT_SCHEMA,
            capabilities=(*does, f"egress:{host}", *key),
            reads_only=self._offered.reads_only,
            timeout_seconds=TIMEOUT_SECONDS,
            fingerprint=self._place.fingerprint_of(self._offered),
        )

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """Send the request and return its answer, as HTTPRequest does. Raises ToolFailed kinds and the gate's."""
        sent = await auth_of(self._place, self._room)
        method, host = str(self._offered.call.get("method", "GET")), urlsplit(self._base).hostname or ""
        url, options = self._request(arguments, sent)
        if not self._offered.reads_only:
            options["headers"] = {**options.get("headers", {}), "Idempotency-Key": on.key}
        try:
            async with HttpClient(self._egress()) as client:
                answer = await client.request(method, url, **options)
        except Unreachable as error:
            if not self._offered.reads_only:
                error.message += " It may have happened all the same: look there before you send it again."
                error.args = (error.message,)
            raise
        refuse_error(answer, method=method, host=host, secrets=sent.redactor)
        return await asyncio.to_thread(result_of, answer, sent.redactor)

    def _egress(self) -> EgressPolicy:
        """Let it out to its own host alone, and with a key only where nobody on the way could read it."""
        egress = self._room.egress.narrowed_to(self._base)
        return replace(egress, sealed_only=egress.sealed_only or bool(self._place.key))

    def _request(self, arguments: JsonObject, sent: Sent) -> tuple[str, AskOptions]:
        path, query, headers, cookies = str(self._offered.call.get("path", "/")), dict[str, list[str]](), {}, []
        for each in self._parameters:
            if each.argument not in arguments:
                continue
            value = arguments[each.argument]
            match each.place:
                case "path":
                    path = path.replace(f"{{{each.name}}}", _segment(each, value))
                case "query":
                    _add_to_query(query, each, value)
                case "header":
                    headers[each.name] = _flat(each, value)
                case "cookie":
                    cookies.append(f"{each.name}={quote(_flat(each, value))}")
        pairs = [(name, item) for name, items in query.items() for item in items] + list(sent.query.items())
        ours = dict(sent.headers)
        if cookies:
            ours["Cookie"] = "; ".join([*cookies, *([ours["Cookie"]] if "Cookie" in ours else [])])
        # Last: an argument never goes over what the key is sent in.
        options: AskOptions = {"headers": {**headers, "Accept": "application/json, */*;q=0.5", **ours}}
        options["limits"] = _CALL_LIMITS
        self._add_body(options, arguments)
        return f"{self._base}{path}{'?' + urlencode(pairs) if pairs else ''}", options

    def _add_body(self, options: AskOptions, arguments: JsonObject) -> None:
        body = self._body
        if body is None or body.argument not in arguments:
            return
        value = arguments[body.argument]
        options["headers"] = {**options["headers"], "Content-Type": body.media_type}
        if body.media_type.startswith("text/"):
            options["content"] = str(value).encode("utf-8", "replace")
        elif body.media_type.endswith("form-urlencoded"):
            options["content"] = urlencode(_form(value)).encode()
        else:
            options["content"] = _json(value).encode("utf-8", "replace")


def base_of(place: ServerPlace, offered: OfferedTool) -> str:
    """Return where an operation is called: what people said goes over what the document says."""
    said = place.config.get("base_url") or offered.call.get("server")
    return str(said or "").rstrip("/")


async def _fetch(place: ServerPlace, room: ToolRoom) -> str:
    if not place.address:
        raise ToolServerInvalid("address", "Say where the document is read, or hand it over as 'document'.")
    # Without a key: the document is fetched from wherever somebody says, which is no place for one.
    async with HttpClient(room.egress) as client:
        accepts = {"Accept": "application/json, application/yaml, text/yaml, */*;q=0.5"}
        answer = await client.request("GET", place.address, headers=accepts, limits=_READ_LIMITS)
    if not answer.is_success:
        raise ToolFailed(f"The document was not handed over: {place.address[:200]} answered with {answer.status}.")
    return answer.text


def _read(text: str, place: ServerPlace, egress: EgressPolicy) -> ReadServer:
    if len(text.encode("utf-8", "replace")) > DOCUMENT_BYTES:
        raise ToolDocumentInvalid(f"it is larger than {DOCUMENT_BYTES:,} bytes")
    try:
        document = read_document(text)
        found = read_openapi(document, address=place.address)
    except GraphInvalid as error:
        raise ToolDocumentInvalid(error.problems[0].message.rstrip(".")) from None
    except NoOpenApi as error:
        raise ToolDocumentInvalid(str(error)) from None
    tools = [_reachable(tool, place, egress) for tool in found.tools]
    return ReadServer(tools, document, found.title, auth=found.auth)


def _reachable(tool: OfferedTool, place: ServerPlace, egress: EgressPolicy) -> OfferedTool:
    """Say of a tool whose server may not be reached from here that it is broken, before anybody calls it."""
    base = base_of(place, tool)
    if tool.trouble:
        return tool
    if not _is_web(base):
        return replace(tool, trouble="Its document names no server. Say its address as base_url.")
    try:
        egress.check_address(base)
    except EgressRefused as error:
        return replace(tool, trouble=f"Its server may not be called: {error.message}")
    return tool


def _segment(each: Parameter, value: JsonValue) -> str:
    said = _flat(each, value)
    if said in {"", ".", ".."}:
        raise RequestInvalid(place=each.argument, because=f"{said!r} would lead to another path")
    return quote(said, safe="")


def _add_to_query(query: dict[str, list[str]], each: Parameter, value: JsonValue) -> None:
    if each.style == "deepObject" and isinstance(value, Mapping):
        for name, item in value.items():
            query[f"{each.name}[{name}]"] = [_text(item)]
    elif each.explode and not each.as_json and isinstance(value, list | tuple):
        query[each.name] = [_text(item) for item in value]
    elif each.explode and not each.as_json and isinstance(value, Mapping):
        query.update({name: [_text(item)] for name, item in value.items()})
    else:
        query[each.name] = [_flat(each, value)]


def _flat(each: Parameter, value: JsonValue) -> str:
    if each.as_json:
        return _json(value)
    mark = _SEPARATORS.get(each.style, ",")
    if isinstance(value, list | tuple):
        return mark.join(map(_text, value))
    if isinstance(value, Mapping):
        between = "=" if each.explode else ","
        return mark.join(f"{name}{between}{_text(item)}" for name, item in value.items())
    return _text(value)


def _form(value: JsonValue) -> list[tuple[str, str]]:
    members = value if isinstance(value, Mapping) else {}
    listed = [(name, item if isinstance(item, list | tuple) else [item]) for name, item in members.items()]
    return [(name, _text(item)) for name, items in listed for item in items]


def _text(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return "" if value is None else str(value) if isinstance(value, int | float) else _json(value)


def _json(value: JsonValue) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=dict)


def _objects(value: JsonValue) -> Sequence[JsonObject]:
    return cast(Sequence[JsonObject], value) if isinstance(value, list | tuple) else ()


def _is_web(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and address.isascii() and len(address) < 500
    except ValueError:
        return False
