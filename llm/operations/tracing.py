# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Tells of each answer, and of each attempt at it, to whoever the operator has watch it.

Where nobody watches there is no ``Trace``, and nothing of this is in the way of an answer.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict

from django.conf import settings

from codexos.kernel.chat import ChatAnswer, ChatModel, ChatRequest, Delta
from codexos.kernel.embeddings import Embedded
from codexos.kernel.errors import CodexosError
from codexos.kernel.redaction import redact_as_in_logs
from llm.adapters.telemetry import close_telemetry, flush_telemetry, open_tracer
from llm.engine.telemetry import (
    HOUSE,
    Attributes,
    of_answer,
    of_embedded,
    of_embedding,
    of_question,
    of_request,
    of_total,
    of_usage,
    of_words,
    provider_name,
    span_id_of,
)
from llm.operations.askers import Asker
from llm.queries.deployments import Deployment

if TYPE_CHECKING:
    from llm.adapters.otlp import OtlpTracer, Span

__all__ = [
    "Trace",
    "TracedAttempt",
    "close_telemetry",
    "flush_telemetry",
    "is_watched",
    "of_asker",
    "traced",
    "watched",
    "watched_embedding",
]

Pieces = AsyncGenerator[Delta | ChatAnswer, None]
CUT = "cut"
"""The outcome of what nobody listened to any more."""


@dataclass(slots=True)
class _Course:
    """How an answer comes along."""

    began: float = field(default_factory=time.monotonic)
    first_seconds: float | None = None
    answer: ChatAnswer | None = None
    error: str | None = None

    async def follow(self, pieces: Pieces) -> Pieces:
        """Pass pieces on, and note what becomes of them."""
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    if self.first_seconds is None:
                        self.first_seconds = time.monotonic() - self.began
                    if isinstance(piece, ChatAnswer):
                        self.answer = piece
                    yield piece
        except Exception as error:
            # Neither hanging up nor being cancelled is one.
            self.error = _name_of(error)
            raise

    @property
    def attributes(self) -> Attributes:
        """What is told of it in any case."""
        told: Attributes = {"codexos.outcome": "failed" if self.error else "answered" if self.answer else CUT}
        if self.first_seconds is not None:
            told["gen_ai.response.time_to_first_chunk"] = self.first_seconds
        return told


@dataclass(slots=True)
class Trace:
    """One answer on its way, as it is told."""

    tracer: "OtlpTracer"
    asker: Asker | None
    span: "Span | None" = None
    attempts: int = 0

    def around(self, model: ChatModel, deployment: Deployment, *, name: str, route: str = "") -> ChatModel:
        """Put around who speaks to a deployment what tells of each attempt at it."""
        return TracedAttempt(model, deployment, trace=self, name=name, route=route)

    async def whole(self, request: ChatRequest, pieces: Pieces) -> Pieces:
        """Pass an answer on, and tell of all of it once it is there or will not be."""
        asked = of_request(request, model=request.model) | of_asker(self.asker)
        if settings.OTLP_CONTENT:
            asked |= of_question(request, redact=redact_as_in_logs)
        asked |= {"gen_ai.provider.name": HOUSE}
        self.span = self.tracer.begin(f"chat {request.model}", asked, **_place_of(self.asker))
        course = _Course()
        try:
            async with aclosing(course.follow(pieces)) as followed:
                async for piece in followed:
                    yield piece
        finally:
            self.span.end(course.attributes | self._of_end(course.answer), error=course.error)

    def _of_end(self, answer: ChatAnswer | None) -> Attributes:
        if answer is None:
            return {"codexos.attempts": self.attempts}
        told = of_answer(answer) | of_total(answer, attempts=self.attempts)
        if self.attempts == 0:
            # Nobody outside was asked, so no other span says what it used.
            told |= of_usage(answer.usage)
        return told | (of_words(answer, redact=redact_as_in_logs) if settings.OTLP_CONTENT else {})


class TracedAttempt:
    """Keeps the port ``ChatModel`` by another one at a deployment, and tells of each attempt."""

    def __init__(self, model: ChatModel, deployment: Deployment, *, trace: Trace, name: str, route: str) -> None:
        self._model = model
        self._deployment = deployment
        self._trace = trace
        self._told: Attributes = {"codexos.deployment": name, **({"codexos.route": route} if route else {})}

    def input_budget(self, model: str) -> int:
        """See the port."""
        return self._model.input_budget(model)

    async def stream(self, request: ChatRequest) -> Pieces:
        """See the port."""
        self._trace.attempts += 1
        model = self._deployment.model
        asked = of_request(request, model=model) | self._told | {"codexos.attempt": self._trace.attempts}
        asked |= {"gen_ai.provider.name": provider_name(self._deployment.kind), **_address_of(self._deployment)}
        span = self._trace.tracer.begin(f"chat {model}", asked, parent=self._trace.span)
        course = _Course()
        try:
            async with aclosing(course.follow(self._model.stream(request))) as followed:
                async for piece in followed:
                    yield piece
        finally:
            answer = course.answer
            told = {} if answer is None else of_answer(answer) | of_usage(answer.usage)
            span.end(course.attributes | told, error=course.error)


def is_watched() -> bool:
    """Whether answers are told to anybody."""
    return bool(settings.OTLP_ENDPOINT)


async def watched(request: ChatRequest, asker: Asker | None, ask: Callable[[Trace | None], Pieces]) -> Pieces:
    """Give an answer and tell of it. ``ask`` begins it, and has its attempts told by the trace it is given."""
    tracer = await open_tracer()
    trace = None if tracer is None else Trace(tracer, asker)
    async with aclosing(ask(None) if trace is None else trace.whole(request, ask(trace))) as pieces:
        async for piece in pieces:
            yield piece


async def watched_embedding(
    embedding: Awaitable[Embedded], asker: Asker, *, model: str, deployment: Deployment | None, texts: int
) -> Embedded:
    """Give vectors and tell of what it took to make them."""
    tracer = await open_tracer()
    if tracer is None:
        return await embedding
    asked = of_embedding(model, kind=None if deployment is None else deployment.kind, texts=texts) | of_asker(asker)
    if deployment is not None:
        asked |= _address_of(deployment)
    span = tracer.begin(f"embeddings {model}", asked, **_place_of(asker))
    try:
        embedded = await embedding
    except BaseException as error:
        is_cut = isinstance(error, asyncio.CancelledError)
        span.end({"codexos.outcome": CUT if is_cut else "failed"}, error=None if is_cut else _name_of(error))
        raise
    span.end(of_embedded(embedded) | {"codexos.outcome": "answered"})
    return embedded


def traced(model: ChatModel, deployment: Deployment, *, trace: Trace | None, name: str, route: str = "") -> ChatModel:
    """Return a model whose attempts are told where somebody watches; else itself."""
    return model if trace is None else trace.around(model, deployment, name=name, route=route)


def of_asker(asker: Asker | None) -> Attributes:
    """Say for what a model is asked, by ids alone, and never which person it is for."""
    if asker is None:
        return {}
    ids = {name: getattr(asker, name) for name in ("organization_id", "team_id", "project_id", "flow_id", "run_id")}
    told: Attributes = {f"codexos.{name}": str(value) for name, value in ids.items() if value is not None}
    return told | ({"codexos.node_id": asker.node_id} if asker.node_id else {})


class _Place(TypedDict, total=False):
    trace_id: bytes
    parent_id: bytes


def _place_of(asker: Asker | None) -> _Place:
    """All that one run asks is one trace, under the id of the run; what a step asks stands below the step."""
    if asker is None or asker.run_id is None:
        return {}
    return {"trace_id": asker.run_id.bytes, "parent_id": span_id_of(asker.run_id, asker.node_id)}


def _address_of(deployment: Deployment) -> Attributes:
    host, port = deployment.host_and_port
    return {"server.address": host, "server.port": port}


def _name_of(error: BaseException) -> str:
    return error.code if isinstance(error, CodexosError) else type(error).__name__
