# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A receiver of OpenTelemetry traces over HTTP: it reads the protobuf, and refuses what breaks the protocol."""

import base64
import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

PUBLIC, SECRET = "pk-lf-5a1c9e7d3b", "sk-lf-0b8f6d4e2a91c753"
BASIC = base64.b64encode(f"{PUBLIC}:{SECRET}".encode()).decode()


@dataclass(frozen=True)
class Told:
    """One span as it arrived."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    kind: int
    is_error: bool
    nanoseconds: int
    attributes: dict[str, Any]
    events: int


@dataclass
class Receiver:
    """Who is told, and what they were."""

    url: str = ""
    path: str = "/api/public/otel/v1/traces"
    statuses: list[int] = field(default_factory=list)
    """What the next requests that are right are answered with; 200 after those."""
    retry_after: str | None = None
    rejects: int = 0
    spans: list[Told] = field(default_factory=list)
    resources: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    requests: int = 0
    held: threading.Event | None = None
    """While it is not set, nothing is answered."""
    asked: threading.Event = field(default_factory=threading.Event)

    def named(self, name: str) -> list[Told]:
        """Return spans of a name, oldest first."""
        return [span for span in self.spans if span.name == name]


@contextmanager
def serve_receiver(**options: Any) -> Iterator[Receiver]:
    """Serve on a free port of this machine."""
    receiver = Receiver(**options)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"receiver": receiver}))
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}/api/public/otel"
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    try:
        yield receiver
    finally:
        if receiver.held is not None:
            receiver.held.set()
        server.shutdown()
        server.server_close()


class _Wrong(Exception):
    def __init__(self, status: int, because: str) -> None:
        super().__init__(because)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    receiver: Receiver

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        receiver = self.receiver
        receiver.requests += 1
        receiver.asked.set()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if receiver.held is not None:
            receiver.held.wait(30)
        try:
            self._take(body)
        except _Wrong as wrong:
            receiver.wrong.append(str(wrong))
            self._answer(wrong.status, str(wrong).encode(), "text/plain")

    def _take(self, body: bytes) -> None:
        receiver, plain = self.receiver, self._checked(body)
        told = ExportTraceServiceRequest()
        try:
            told.ParseFromString(plain)
        except DecodeError as error:
            raise _Wrong(400, "not an ExportTraceServiceRequest") from error
        spans = [_span(span) for each in told.resource_spans for scope in each.scope_spans for span in scope.spans]
        if not spans:
            raise _Wrong(400, "no spans")
        status = receiver.statuses.pop(0) if receiver.statuses else 200
        if status == 200:
            receiver.bodies.append(plain)
            receiver.spans += spans
            receiver.resources += [_read(each.resource.attributes) for each in told.resource_spans]
        taken = ExportTraceServiceResponse()
        taken.partial_success.rejected_spans = receiver.rejects
        self._answer(status, taken.SerializeToString() if status == 200 else b"", "application/x-protobuf")

    def _checked(self, body: bytes) -> bytes:
        if self.path != self.receiver.path:
            raise _Wrong(404, f"nothing at {self.path}")
        if self.headers.get("Authorization") != f"Basic {BASIC}":
            raise _Wrong(401, "not with this key")
        if self.headers.get("Content-Type") != "application/x-protobuf":
            raise _Wrong(415, f"no {self.headers.get('Content-Type')}")
        if self.headers.get("Content-Encoding", "identity") not in {"identity", "gzip"}:
            raise _Wrong(415, f"no {self.headers.get('Content-Encoding')}")
        return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

    def _answer(self, status: int, body: bytes, media_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        if status != 200 and self.receiver.retry_after is not None:
            self.send_header("Retry-After", self.receiver.retry_after)
        self.end_headers()
        self.wfile.write(body)


def _span(span: Any) -> Told:
    if len(span.trace_id) != 16 or len(span.span_id) != 8 or not any(span.trace_id) or not any(span.span_id):
        raise _Wrong(400, "ids that are none")
    if not 0 < span.start_time_unix_nano <= span.end_time_unix_nano:
        raise _Wrong(400, "it ends before it begins")
    return Told(
        *(span.name, span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), span.kind),
        is_error=span.status.code == 2,
        nanoseconds=span.end_time_unix_nano - span.start_time_unix_nano,
        attributes=_read(span.attributes),
        events=len(span.events),
    )


def _read(attributes: Any) -> dict[str, Any]:
    return {each.key: _value(each.value) for each in attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    found = getattr(value, kind)
    return [_value(each) for each in found.values] if kind == "array_value" else found
