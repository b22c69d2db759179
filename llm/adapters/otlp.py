# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""OpenTelemetry's traces over HTTP: spans wait in a bounded queue, and a thread sends them as protobuf by our own gate.

Of OpenTelemetry only the messages are used. Its SDK is not: where that is installed, other libraries load it into every
process, and it takes its orders from the environment.
"""

import gzip
import logging
import os
import random
import secrets
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Status
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from codexos.kernel.errors import CodexosError
from codexos.kernel.http import BlockingHttpClient, EgressPolicy, HttpAnswer, HttpLimits
from llm.engine.telemetry import Attributes, Past, Value

MOST_WAITING = 2_048
MOST_AT_ONCE = 256
EVERY_SECONDS = 2.0
SCOPE = "codexos.llm"
_TRIES = 4
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 10.0
_MAY_PASS = frozenset({429, 502, 503, 504})
_LIMITS = HttpLimits(total_seconds=5.0, connect_seconds=3.0, idle_seconds=5.0, body_bytes=64 * 1024, redirects=0)
_CLOSE_SECONDS = 12.0

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Span:
    """Something that goes on, and is told once it has ended."""

    name: str
    trace_id: bytes
    attributes: Attributes
    outbox: "Outbox"
    parent_id: bytes = b""
    is_call: bool = False
    """Whether it is a call to somebody outside."""
    span_id: bytes = field(default_factory=lambda: secrets.token_bytes(8))
    began_ns: int = field(default_factory=time.time_ns)
    began: float = field(default_factory=time.monotonic)
    ended_ns: int = 0
    error: str | None = None

    def end(self, attributes: Attributes, *, error: str | None = None) -> None:
        """Tell it. ``error`` names the kind of error; what it says is told nobody, for it may quote what was asked."""
        # By the clock that nobody moves back: nothing ends before it began.
        self.ended_ns = self.began_ns + int((time.monotonic() - self.began) * 1e9)
        self.attributes = {**self.attributes, **attributes}
        self.error = error
        self.outbox.put(self)


class OtlpTracer:
    """Tells one receiver."""

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        policy: EgressPolicy,
        service: Mapping[str, str],
        every_seconds: float = EVERY_SECONDS,
    ) -> None:
        self._outbox = Outbox(Sender(url, headers=headers, policy=policy, service=service), every_seconds=every_seconds)

    def begin(
        self,
        name: str,
        attributes: Attributes,
        *,
        trace_id: bytes | None = None,
        parent_id: bytes = b"",
        parent: Span | None = None,
    ) -> Span:
        """Begin a span: below a ``parent`` as a call to somebody, else in a trace, an own one where none is named.

        ``parent_id`` is of a span that is told by somebody else, maybe by another process and much later.
        """
        if parent is not None:
            return Span(name, parent.trace_id, attributes, self._outbox, parent.span_id, is_call=True)
        return Span(name, trace_id or secrets.token_bytes(16), attributes, self._outbox, parent_id)

    def tell(self, past: Past, *, trace_id: bytes) -> None:
        """Tell what is over already."""
        span = Span(past.name, trace_id, past.attributes, self._outbox, past.parent_id, span_id=past.span_id)
        span.began_ns = past.began_ns
        # By the clock of whoever wrote it down, which may have been moved back.
        span.ended_ns, span.error = max(past.began_ns, past.ended_ns), past.error
        self._outbox.put(span)

    def flush(self) -> None:
        """Send what waits, now and in this thread."""
        self._outbox.flush()

    def close(self) -> None:
        """Send what waits, as far as that goes in a few seconds."""
        self._outbox.close()


class Outbox:
    """What waits to be sent, the newest of it, and the thread that does it every moment."""

    def __init__(self, sender: "Sender", *, every_seconds: float) -> None:
        self._sender = sender
        self._every_seconds = every_seconds
        self._begin_anew()

    def _begin_anew(self) -> None:
        """Begin with nothing, as every process does: what waits in a parent is the parent's to send."""
        self._pid = os.getpid()
        self._spans: deque[Span] = deque(maxlen=MOST_WAITING)
        self._dropped = 0
        self._is_due = threading.Event()
        self._sending = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_closing = False

    def put(self, span: Span) -> None:
        """Have a span sent some time; whoever tells it never waits."""
        if self._pid != os.getpid():
            self._begin_anew()
        self._dropped += len(self._spans) == MOST_WAITING
        self._spans.append(span)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="telemetry", daemon=True)
            self._thread.start()
        if len(self._spans) >= MOST_AT_ONCE and not self._is_due.is_set():
            self._is_due.set()

    def flush(self) -> None:
        """Send all that waits, in this thread."""
        with self._sending:
            while self._spans:
                waiting = min(MOST_AT_ONCE, len(self._spans))
                self._sender.send([self._spans.popleft() for _ in range(waiting)])
            if self._dropped:
                logger.warning("%d spans were dropped: more were waiting than are kept", self._dropped)
                self._dropped = 0

    def close(self) -> None:
        """Send what waits, in the thread, and leave it alone where that takes too long."""
        if self._pid != os.getpid() or self._thread is None:
            return
        self._is_closing = True
        self._sender.hurry()
        self._is_due.set()
        self._thread.join(_CLOSE_SECONDS)

    def _work(self) -> None:
        while not self._is_closing:
            self._is_due.wait(self._every_seconds)
            self._is_due.clear()
            try:
                self.flush()
            except Exception:
                # Nobody sees to this thread, and without it nothing is told any more.
                logger.exception("telemetry could not be sent")


class Sender:
    """Posts spans as protobuf. It loses them where nobody takes them, and says so."""

    def __init__(
        self, url: str, *, headers: Mapping[str, str], policy: EgressPolicy, service: Mapping[str, str]
    ) -> None:
        self._url = url
        self._headers = {**headers, "Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
        self._policy = policy
        self._resource = Resource(attributes=_pairs(service))
        self._hurry = threading.Event()
        self._has_given_up = False
        self._client: tuple[int, BlockingHttpClient] | None = None

    def send(self, spans: Sequence[Span]) -> None:
        """Send some; try again for a while where that may help."""
        if self._has_given_up:
            return
        body = gzip.compress(_encoded(spans, self._resource), compresslevel=1, mtime=0)
        because = ""
        for again in range(_TRIES):
            because, pause = self._try(body)
            if not because:
                return
            if pause is None or again == _TRIES - 1 or self._hurry.is_set():
                break
            self.rest(min(_LONGEST_PAUSE, pause or _FIRST_PAUSE * 2**again * random.uniform(0.5, 1.0)))  # noqa: S311
        self._has_given_up = self._hurry.is_set()
        logger.warning("%d spans were not taken by the receiver of telemetry: %s", len(spans), because)

    def rest(self, seconds: float) -> None:
        """Wait before another try; not any more once there is hurry."""
        self._hurry.wait(seconds)

    def hurry(self) -> None:
        """Wait for nothing any more: the process is about to end."""
        self._hurry.set()

    def _try(self, body: bytes) -> tuple[str, float | None]:
        """Return why it was not taken, "" where it was; and how long to wait before another try, None for no other."""
        try:
            answer = self._here().request("POST", self._url, headers=self._headers, content=body)
        except CodexosError as error:
            return error.message, 0.0 if error.retryable else None
        if answer.is_success:
            _tell_refused(answer)
            return "", None
        # Only the status: what a receiver says of a request may repeat its headers.
        because = f"it answered with {answer.status}"
        return because, _asked_pause(answer) if answer.status in _MAY_PASS else None

    def _here(self) -> BlockingHttpClient:
        """Return a client of this very process: a connection that a fork has taken along would be spoken on twice."""
        if self._client is None or self._client[0] != os.getpid():
            self._client = os.getpid(), BlockingHttpClient(self._policy, limits=_LIMITS)
        return self._client[1]


def _asked_pause(answer: HttpAnswer) -> float:
    said = answer.headers.get("retry-after", "")
    return float(said) if said.isdecimal() else 0.0


def _tell_refused(answer: HttpAnswer) -> None:
    """Say in the log where a receiver took only some."""
    told = ExportTraceServiceResponse()
    try:
        told.ParseFromString(answer.body)
    except DecodeError:
        return  # it has taken them all the same
    if told.partial_success.rejected_spans:
        logger.warning("%d spans were refused by the receiver of telemetry", told.partial_success.rejected_spans)


def _encoded(spans: Sequence[Span], resource: Resource) -> bytes:
    told = ScopeSpans(scope=InstrumentationScope(name=SCOPE), spans=[_message(span) for span in spans])
    whole = ExportTraceServiceRequest(resource_spans=[ResourceSpans(resource=resource, scope_spans=[told])])
    return bytes(whole.SerializeToString())


def _message(span: Span) -> SpanMessage:
    attributes = span.attributes if span.error is None else {**span.attributes, "error.type": span.error}
    return SpanMessage(
        name=_text(span.name),
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_span_id=span.parent_id,
        kind=SpanMessage.SPAN_KIND_CLIENT if span.is_call else SpanMessage.SPAN_KIND_INTERNAL,
        start_time_unix_nano=span.began_ns,
        end_time_unix_nano=span.ended_ns,
        attributes=_pairs(attributes),
        status=Status(code=Status.STATUS_CODE_UNSET if span.error is None else Status.STATUS_CODE_ERROR),
    )


def _pairs(attributes: Mapping[str, Value]) -> list[KeyValue]:
    return [KeyValue(key=name, value=_value(value)) for name, value in attributes.items()]


def _value(value: Value) -> AnyValue:
    match value:
        case str():
            return AnyValue(string_value=_text(value))
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case _:
            return AnyValue(array_value=ArrayValue(values=[_value(each) for each in value]))


def _text(text: str) -> str:
    """Half a character, as a model may send it, is none that can be told."""
    return text.encode("utf-8", "replace").decode()
