# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is asked over HTTP, and what of it travels along when a server points elsewhere. Pure; http.py sends it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypedDict
from urllib.parse import urldefrag, urlencode

from codexos.kernel.answers import HttpLimits
from codexos.kernel.egress import EgressRefused
from codexos.kernel.errors import InvalidInput
from codexos.kernel.jsontypes import JsonValue

REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Everything else may be a key under some name or other, so another origin gets only these.
_PUBLIC_HEADERS = frozenset({"accept", "accept-language", "content-type", "user-agent"})
_METHOD = re.compile(r"[A-Z]{1,20}")
_CLOSED_METHODS = frozenset({"CONNECT", "TRACE"})
# They say how a message is cut into pieces or passed on: the client's own business, and the stuff of smuggling.
_OWN_HEADERS = re.compile(
    r"host|content-length|transfer-encoding|connection|keep-alive|upgrade|te|trailer|expect|accept-encoding|proxy-.*"
)
_HEADER_VALUE = re.compile(r"([\x21-\x7e]([\t\x20-\x7e]*[\x21-\x7e])?)?")


class RequestInvalid(InvalidInput):
    """A request that cannot be sent as it stands."""

    def __init__(self, *, place: str, because: str) -> None:
        super().__init__(f"The request cannot be sent: {because}.", errors=[{"place": place, "message": because}])


class AskOptions(TypedDict, total=False):
    """What a request may carry: at most one of content, json and form; limits instead of the client's own."""

    headers: Mapping[str, str]
    params: Mapping[str, str]
    content: bytes
    json: JsonValue
    form: Mapping[str, str]
    limits: HttpLimits


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port: what must be equal for a secret to be sent again."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Ask:
    """One request about to be sent."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes | None = None


def read_ask(method: str, url: str, options: AskOptions) -> Ask:
    """Return the request a caller described. Raises RequestInvalid."""
    if not _METHOD.fullmatch(method) or method in _CLOSED_METHODS:
        raise RequestInvalid(place="method", because=f"{method!r} is not a method that is sent from here")
    if len({"content", "json", "form"} & options.keys()) > 1:
        raise RequestInvalid(place="content", because="it carries more than one of content, json and form")
    content, content_type = _content(options)
    headers = dict(options.get("headers", {}))
    _check_headers(headers)
    if content_type is not None and "content-type" not in {name.lower() for name in headers}:
        headers["Content-Type"] = content_type
    return Ask(method, _with_params(url, options.get("params")), headers, content)


def follow(ask: Ask, *, status: int, before: Origin, after: Origin, url: str) -> Ask:
    """Return the request that follows a redirect with ``status`` to ``url``. Raises EgressRefused."""
    following = _as_get(ask) if _becomes_get(ask.method, status) else ask
    if before.scheme == "https" and after.scheme == "http":
        raise EgressRefused(host=after.host, because=f"{before.host!r} redirected from https to plain http")
    if before == after:
        return replace(following, url=url)
    if following.content is not None:
        raise EgressRefused(host=after.host, because=f"{before.host!r} redirected the content of a request to it")
    return replace(following, url=url, headers=_only(following.headers, _PUBLIC_HEADERS))


def _content(options: AskOptions) -> tuple[bytes | None, str | None]:
    if "json" in options:
        return json.dumps(options["json"], separators=(",", ":"), allow_nan=False).encode(), "application/json"
    if "form" in options:
        return urlencode(options["form"]).encode(), "application/x-www-form-urlencoded"
    return options.get("content"), None


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if _OWN_HEADERS.fullmatch(name.lower()):
            raise RequestInvalid(place=name, because=f"the header {name!r} is set by the client itself")
        # Looked at here because the library that sends it would repeat the value, which may be a key, in its complaint.
        if not name.isascii() or not _HEADER_VALUE.fullmatch(value):
            raise RequestInvalid(place=name, because=f"the header {name!r} holds characters a header cannot carry")


def _with_params(url: str, params: Mapping[str, str] | None) -> str:
    bare = urldefrag(url).url
    if not params:
        return bare
    return f"{bare}{'&' if '?' in bare else '?'}{urlencode(params)}"


def _becomes_get(method: str, status: int) -> bool:
    if status == 303:
        return method != "HEAD"
    return status in {301, 302} and method == "POST"


def _as_get(ask: Ask) -> Ask:
    headers = {name: value for name, value in ask.headers.items() if not name.lower().startswith("content-")}
    return replace(ask, method="GET", content=None, headers=headers)


def _only(headers: Mapping[str, str], names: frozenset[str]) -> Mapping[str, str]:
    return {name: value for name, value in headers.items() if name.lower() in names}
