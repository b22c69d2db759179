# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What all fake providers are made of: a server, a script of what happens next, and ways to go wrong on the wire."""

import json
import select
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

KEY = "canary-4c1d9e7a52b8f036"
SPOILT = "§"
"""Where a word holds this, a byte is sent that is no UTF-8."""

Mischief = Literal["", "ends early", "drops", "malformed", "first byte", "no stream", "never ends", "fails"]


@dataclass(frozen=True)
class Script:
    """What a provider does with the next request."""

    words: Sequence[str] = ("The lamp ", "was lit ", "in 1871.")
    calls: Sequence[tuple[str, Sequence[str]]] = ()
    """Tools it asks for: the name, and the arguments in the pieces they are streamed in."""
    thought: str = ""
    """What it thinks before it answers, and shows apart from its answer."""
    usage: tuple[int, int] = (42, 7)
    cached: int = 0
    written: int = 0
    finish: Literal["stop", "length", "filter"] = "stop"
    status: int = 200
    message: str = "No."
    retry_after: int | None = None
    mischief: Mischief = ""


class Refused(Exception):
    """A request that the real one would not take."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass
class Asked:
    """A request as it came."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    raw: bytes


@dataclass
class FakeProvider(ABC):
    """One provider. A subclass knows its words; here is what happens with them."""

    url: str = ""
    scripts: list[Script] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    knocks: int = 0
    hung_up: threading.Event = field(default_factory=threading.Event)

    kind = ""
    model = ""
    content_type = "text/event-stream"
    options: Mapping[str, str] = field(default_factory=dict)
    is_seeded = True
    """Whether it takes a seed."""
    pieces_arguments = True
    """Whether arguments come in pieces."""

    @property
    def base_url(self) -> str:
        """What a deployment is told."""
        return self.url

    def will(self, **script: Any) -> None:
        """Say what happens to the next request that is right."""
        self.scripts.append(Script(**script))

    @abstractmethod
    def check(self, asked: Asked) -> None:
        """Raise Refused where the real one would refuse."""

    @abstractmethod
    def frames(self, script: Script, asked: Asked) -> Iterator[bytes]:
        """Yield an answer in its pieces."""

    @abstractmethod
    def refusal(self, status: int, message: str) -> tuple[Mapping[str, str], Any]:
        """Return headers and body of a refusal."""

    @abstractmethod
    def failure(self) -> bytes:
        """Return the piece of a stream that says it cannot go on, since there is too much to do."""

    @abstractmethod
    def said(self, asked: Asked) -> Mapping[str, Any]:
        """Tell what was asked for in words that all providers share: see tests/llm/wire."""

    def malformed(self) -> bytes:
        """Return a piece of a stream that nobody can read."""
        return b"data: {not json\n\n"

    @property
    def last(self) -> Mapping[str, Any]:
        """What was asked last, in shared words."""
        return self.said(self.asked[-1])


def text_of(document: Any) -> bytes:
    """Write JSON as it goes over the wire, spoilt where it is marked."""
    return json.dumps(document, ensure_ascii=False).encode().replace(SPOILT.encode(), b"\xff")


def only(
    found: Mapping[str, Any], fields: Mapping[str, type | tuple[type, ...]], *, needed: Sequence[str] = ()
) -> None:
    """Refuse what is unknown, of another type, or not there."""
    for name, value in found.items():
        if name not in fields:
            raise Refused(400, f"{name}: Extra inputs are not permitted")
        if not isinstance(value, fields[name]) or (isinstance(value, bool) and fields[name] is not bool):
            raise Refused(400, f"{name}: Input should be of another type")
    if missing := [name for name in needed if name not in found]:
        raise Refused(400, f"{missing[0]}: Field required")


def need(holds: object, message: str, status: int = 400) -> None:
    """Refuse unless it holds."""
    if not holds:
        raise Refused(status, message)


@contextmanager
def serve(fake: FakeProvider) -> Iterator[FakeProvider]:
    """Serve on a free port of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"fake": fake}))
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeProvider

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def do_POST(self) -> None:
        self.fake.knocks += 1
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            asked = Asked(self.path, headers, json.loads(raw), raw)
            self.fake.check(asked)
        except Refused as refused:
            self._refuse(refused.status, refused.message, None)
            return
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self._refuse(400, f"This is no request: {error!r}", None)
            return
        self.fake.asked.append(asked)
        script = self.fake.scripts.pop(0) if self.fake.scripts else Script()
        if script.status != 200:
            self._refuse(script.status, script.message, script.retry_after)
            return
        try:
            _PLAYS.get(script.mischief, _Handler._answer)(self, script, asked)
        except OSError:
            self.fake.hung_up.set()
            self.close_connection = True

    def _refuse(self, status: int, message: str, retry_after: int | None) -> None:
        headers, document = self.fake.refusal(status, message)
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        if retry_after is not None and "retry-after" not in headers:
            headers = {**headers, "Retry-After": str(retry_after)}
        for name, value in {"Content-Type": "application/json", **headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _begin(self, content_type: str = "") -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type or self.fake.content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _send(self, piece: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.flush()

    def _end(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def _answer(self, script: Script, asked: Asked) -> None:
        self._begin()
        for frame in self.fake.frames(script, asked):
            self._send(frame)
        self._end()

    def _half(self, script: Script, asked: Asked) -> None:
        self._begin()
        frames = list(self.fake.frames(script, asked))
        words = [at for at, frame in enumerate(frames) if b"was lit" in frame]
        for frame in frames[: words[0] + 1]:
            self._send(frame)

    def _end_early(self, script: Script, asked: Asked) -> None:
        self._half(script, asked)
        self._end()

    def _drop(self, script: Script, asked: Asked) -> None:
        self._half(script, asked)
        self.close_connection = True

    def _fail(self, script: Script, asked: Asked) -> None:
        self._half(script, asked)
        self._send(self.fake.failure())
        self._end()

    def _garble(self, script: Script, asked: Asked) -> None:
        self._half(script, asked)
        self._send(self.fake.malformed())
        self._end()

    def _first_byte(self, script: Script, asked: Asked) -> None:
        self._begin()
        self._send(next(self.fake.frames(script, asked))[:1])
        self.close_connection = True

    def _no_stream(self, script: Script, asked: Asked) -> None:
        self._begin("text/html")
        self._send(b"<html>Welcome to the portal</html>")
        self._end()

    def _never_end(self, script: Script, asked: Asked) -> None:
        self._half(script, asked)
        # Readable means that the other side has closed: it has nothing more to say.
        select.select([self.connection], [], [], 30)
        self.fake.hung_up.set()
        self.close_connection = True


_PLAYS: Mapping[str, Callable[[_Handler, Script, Asked], None]] = {
    "ends early": _Handler._end_early,
    "drops": _Handler._drop,
    "malformed": _Handler._garble,
    "first byte": _Handler._first_byte,
    "no stream": _Handler._no_stream,
    "never ends": _Handler._never_end,
    "fails": _Handler._fail,
}
