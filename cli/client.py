# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Speaking to a server: one call, one answer, or one fault in a sentence. The token goes to its server only."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from . import __version__
from .answers import Answer, fault_of
from .profiles import Profile, current_profile

if TYPE_CHECKING:
    from urllib.request import OpenerDirector

CALL_SECONDS = 60.0
STREAM_SECONDS = 30.0
"""A stream says something every few seconds; one that is silent for this long is cut."""
_LOOPBACK = ("localhost", "127.", "::1")


@dataclass(frozen=True)
class Sent:
    """A body as it goes over the wire."""

    data: bytes | IO[bytes]
    length: int
    content_type: str

    @classmethod
    def of_json(cls, value: Any) -> "Sent":
        """Write a value as JSON."""
        data = json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
        return cls(data, len(data), "application/json")


class Client:
    """Calls one server with one token."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._opener: OpenerDirector | None = None

    def get(self, path: str, **query: str) -> Any:
        """Return what an address holds. Raises Fault."""
        asked = {name: value for name, value in query.items() if value}
        return self.call("GET", path + (f"?{urlencode(asked)}" if asked else "")).json()

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """Send a write that may be sent again without being done twice; return what is answered. Raises Fault."""
        sent = None if body is None else Sent.of_json(body)
        return self.call("POST", path, sent=sent, headers={"Idempotency-Key": _fresh_key(), **headers}).json()

    def call(
        self, method: str, path: str, *, sent: Sent | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Return the answer to one call. Raises Fault for every answer that is not a success."""
        is_again_safe = sent is None or isinstance(sent.data, bytes)
        for is_last in (False, True) if is_again_safe else (True,):
            try:
                with self._open(method, path, sent=sent, headers=headers or {}) as response:
                    return self._answer(response, body=response.read())
            except Exception as error:
                fault = fault_of(error, url=self.profile.url)
                if fault is None:
                    raise
                if is_last or not _was_cut(error):
                    raise fault from None
        raise AssertionError

    @contextmanager
    def stream(self, path: str, *, headers: Mapping[str, str]) -> Iterator[Iterator[bytes]]:
        """Yield the lines of an answer as they come; a cut is told as a Fault that may pass."""
        try:
            with self._open("GET", path, sent=None, headers=headers, seconds=STREAM_SECONDS) as response:
                self._answer(response).insist("text/event-stream")
                yield iter(response.readline, b"")
        except Exception as error:
            fault = fault_of(error, url=self.profile.url)
            if fault is None:
                raise
            raise fault from None

    def _answer(self, response: Any, *, body: bytes = b"") -> Answer:
        return Answer(self.profile.url, response.status, dict(response.headers.items()), body)

    def _open(
        self, method: str, path: str, *, sent: Sent | None, headers: Mapping[str, str], seconds: float = CALL_SECONDS
    ) -> Any:
        from urllib.request import Request

        request = Request(self.profile.url + path, method=method, data=sent.data if sent else None)  # noqa: S310 - the scheme was checked
        request.add_header("User-Agent", f"codexos-cli/{__version__}")
        request.add_header("Accept", "application/json, text/event-stream, */*;q=0.1")
        if sent:
            request.add_header("Content-Type", sent.content_type)
            request.add_header("Content-Length", str(sent.length))
        for name, value in headers.items():
            request.add_header(name, value)
        request.add_unredirected_header("Authorization", f"Bearer {self.profile.token}")
        if self._opener is None:
            self._opener = _opener(urlsplit(self.profile.url).hostname or "")
        return self._opener.open(request, timeout=seconds)


def connect() -> Client:
    """Return a client for the sign-in that is meant. Raises Fault where there is none."""
    return Client(current_profile())


def quoted(part: str) -> str:
    """Write a name or an id as one part of an address."""
    return quote(part, safe="")


def _opener(host: str) -> "OpenerDirector":
    from urllib.request import HTTPRedirectHandler, ProxyHandler, build_opener

    class StaysHere(HTTPRedirectHandler):
        """Follows nowhere: the answer that redirects is told to the person."""

        def redirect_request(self, *_: Any) -> None:
            return None

    # A proxy could not reach this machine's own addresses.
    proxies = ProxyHandler({}) if host.startswith(_LOOPBACK) else ProxyHandler()
    return build_opener(StaysHere, proxies)


def _fresh_key() -> str:
    import secrets

    return secrets.token_hex(16)


def _was_cut(error: Exception) -> bool:
    """Whether the server was reached and the line went dead: every call may be made once more then."""
    cause = getattr(error, "reason", error)
    return isinstance(cause, ConnectionResetError | BrokenPipeError | ConnectionAbortedError)
