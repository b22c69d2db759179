# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""HTTPRequest: one request through the egress gate, bounded in time and size, its key sent along."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple, Unpack, cast
from urllib.parse import urldefrag, urlencode, urlsplit

from agents.adapters.tools.http_result import RESULT_SCHEMA, refuse_error, result_of
from agents.adapters.tools.http_secrets import secrets_of, shown_arguments
from agents.engine.gate import Occasion
from agents.engine.tools import ToolSpec
from codexos.kernel.asking import AskOptions
from codexos.kernel.errors import CodexosError
from codexos.kernel.http import (
    ClientOptions,
    EgressPolicy,
    EgressRefused,
    HttpAnswer,
    HttpClient,
    HttpLimits,
    RequestInvalid,
    Unreachable,
    origin_of,
)
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.redaction import Redactor

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
BODY_BYTES = 2_000_000
LONGEST_SECONDS = 120.0
DEFAULT_SECONDS = 30.0

_PLAIN_ADDRESS = re.compile(r"https?://(?P<host>[a-z0-9._-]+(:[0-9]{1,5})?)(?=[/?#]|$)", re.IGNORECASE | re.ASCII)
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_SCALAR: JsonObject = {"type": ["string", "number", "boolean"]}
_MEMBERS: JsonObject = {
    "type": "object",
    "maxProperties": 200,
    "additionalProperties": {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR, "maxItems": 200}]},
}


def _may_repeat(arguments: JsonObject) -> bool:
    return arguments.get("method", "GET") in _SAFE or arguments.get("idempotent") is True


def egress_of(arguments: JsonObject) -> str:
    """Say which host a call with a ``url`` reaches; an address that two readers could read differently may be any."""
    found = _PLAIN_ADDRESS.match(str(arguments.get("url", "")).strip())
    return f"egress:{found['host'].lower() if found else '*'}"


@asynccontextmanager
async def client_for(
    policy: EgressPolicy, url: str, *, on: Occasion, options: ClientOptions
) -> AsyncIterator[HttpClient]:
    """Give a client for one call. Raises EgressRefused for a redirect to a host that was not decided about.

    That is so where text of strangers led to the call: then nothing but the address's own host is reached.
    """
    origin = origin_of(url)
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    # From plain http to https is the same place.
    ports = {80, 443} if origin.port in (80, 443) else {origin.port}
    narrow = policy.narrowed({f"{host}:{port}" for port in ports}) if on.labels else policy
    async with HttpClient(narrow, **options) as client:
        try:
            yield client
        except EgressRefused as error:
            there = str(error.details.get("host"))
            if not on.labels or there == origin.host:
                raise
            because = (
                f"{origin.host!r} sends the call on to it, and text of strangers led to the call, so only the host "
                "that was decided about is reached. Call the other address by itself"
            )
            raise EgressRefused(host=there, because=because) from None


def _touches(arguments: JsonObject) -> tuple[str, ...]:
    """Say what a call does: which host it reaches, and whether it changes something there."""
    egress = egress_of(arguments)
    return ("read", egress) if arguments.get("method", "GET") in _SAFE else ("read", "write", egress)


_SPEC = ToolSpec(
    name="HTTPRequest",
    description="Send one HTTP request and return the answer: its status, headers, and its body as text and JSON.",
    schema={
        "type": "object",
        "properties": {
            "method": {"enum": list(METHODS), "description": "GET where it is left out."},
            "url": {"type": "string", "minLength": 1, "maxLength": 8_000, "description": "http:// or https://"},
            "query": {**_MEMBERS, "description": "Added to the address; a list repeats its name."},
            "headers": {"type": "object", "maxProperties": 50, "additionalProperties": _SCALAR},
            "json": {"description": "The body, sent as JSON."},
            "text": {"type": "string", "description": "The body, sent as it is."},
            "form": {**_MEMBERS, "description": "The body, sent as a form."},
            "timeout_seconds": {"type": "number", "minimum": 0.1, "maximum": LONGEST_SECONDS},
            "idempotent": {
                "type": "boolean",
                "description": "Say true where the server honors Idempotency-Key: then a cut call is made again.",
            },
            "accept_errors": {"type": "boolean", "description": "Take answers of 400 and above as results."},
        },
        "required": ["url"],
        "additionalProperties": False,
    },
    result_schema=RESULT_SCHEMA,
    capabilities=("read", "write", "egress:*"),
    touches=_touches,
    repeats=_may_repeat,
    shown=shown_arguments,
    # Where it goes and what it does there is in the address and the method; these are what it brings along.
    content=frozenset({"json", "text", "form"}),
    # Above what a call may ask for itself, so that the call's own error is the one that is told.
    timeout_seconds=LONGEST_SECONDS + 10,
)


class _Request(NamedTuple):
    """A request ready to be sent."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes | None
    limits: HttpLimits

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""


class HTTPRequest:
    """Sends what a flow asks to be sent."""

    def __init__(self, policy: EgressPolicy, **options: Unpack[ClientOptions]) -> None:
        self._policy = policy
        self._options = options

    @property
    def spec(self) -> ToolSpec:
        """What is promised about it."""
        return _SPEC

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """Return the answer as ``RESULT_SCHEMA`` says. Raises ToolFailed, ToolUnavailable and what the gate raises."""
        secrets = secrets_of(arguments)
        try:
            request = _request(arguments, on.key)
            answer = await self._send(request, on)
            if arguments.get("accept_errors") is not True:
                refuse_error(answer, method=request.method, host=request.host, secrets=secrets)
        except CodexosError as error:
            _tell(error, secrets, may_repeat=_may_repeat(arguments))
            raise
        # In a thread: reading megabytes would hold up every other run of this process.
        return await asyncio.to_thread(result_of, answer, secrets)

    async def _send(self, request: _Request, on: Occasion) -> HttpAnswer:
        options = AskOptions(headers=request.headers, limits=request.limits)
        if request.content is not None:
            options["content"] = request.content
        async with client_for(self._policy, request.url, on=on, options=self._options) as client:
            return await client.request(request.method, request.url, **options)


def _request(arguments: JsonObject, key: str) -> _Request:
    method = str(arguments.get("method", "GET"))
    given = arguments.get("headers", {})
    headers = {name: _text(value) for name, value in given.items()} if isinstance(given, Mapping) else {}
    content, content_type = _body(arguments)
    named = {name.lower() for name in headers}
    if content_type is not None and "content-type" not in named:
        headers["Content-Type"] = content_type
    if method not in _SAFE and "idempotency-key" not in named:
        headers["Idempotency-Key"] = key
    return _Request(method, _url(arguments), headers, content, _limits(arguments))


def _url(arguments: JsonObject) -> str:
    written = str(arguments.get("url", "")).strip()
    try:
        bare, query = urldefrag(written).url, _pairs(arguments.get("query"))
        # Half a surrogate pair cannot be sent; what would stand for it could mean something in an address.
        bare.encode()
        if urlsplit(bare).scheme not in {"http", "https"} or not urlsplit(bare).hostname:
            raise RequestInvalid(place="url", because="its address does not begin with http:// or https:// and a host")
    except ValueError:
        raise RequestInvalid(place="url", because="its address cannot be read") from None
    return f"{bare}{'&' if '?' in bare else '?'}{urlencode(query)}" if query else bare


def _body(arguments: JsonObject) -> tuple[bytes | None, str | None]:
    given = [name for name in ("json", "text", "form") if name in arguments]
    if len(given) > 1:
        raise RequestInvalid(place="$", because=f"it carries more than one body: {' and '.join(given)}")
    match given:
        case ["json"]:
            return _as_json(arguments["json"]), "application/json"
        case ["text"]:
            return str(arguments["text"]).encode("utf-8", "replace"), "text/plain; charset=utf-8"
        case ["form"]:
            return urlencode(_pairs(arguments["form"])).encode(), "application/x-www-form-urlencoded"
        case _:
            return None, None


def _as_json(value: JsonValue) -> bytes:
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False, default=dict).encode()
    except (ValueError, RecursionError):
        raise RequestInvalid(place="json", because="its body holds what JSON cannot carry") from None


def _pairs(members: JsonValue) -> list[tuple[str, str]]:
    if not isinstance(members, Mapping):
        return []
    listed = [(name, value if isinstance(value, list | tuple) else [value]) for name, value in members.items()]
    return [(_clean(name), _clean(_text(item))) for name, items in listed for item in items]


def _clean(text: str) -> str:
    # Half a surrogate pair cannot be sent.
    return text.encode("utf-8", "replace").decode()


def _text(value: JsonValue) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _limits(arguments: JsonObject) -> HttpLimits:
    seconds = float(cast(float, arguments.get("timeout_seconds", DEFAULT_SECONDS)))
    return HttpLimits(
        total_seconds=seconds, connect_seconds=min(seconds, 10.0), idle_seconds=seconds, body_bytes=BODY_BYTES
    )


def _tell(error: CodexosError, secrets: Redactor, *, may_repeat: bool) -> None:
    """Take the secrets out of what an error says, and have it say what nobody can know."""
    if isinstance(error, Unreachable) and not may_repeat:
        error.message += " It may have happened all the same: look there before you send it again."
    error.message = secrets.redact(error.message)
    error.args = (error.message,)
    error.details = {name: secrets.redact_json(item) for name, item in error.details.items()}
