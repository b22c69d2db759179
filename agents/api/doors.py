# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The two asynchronous doors: a call that waits for its run, and a run's events as they happen.

Both let an ordinary API view decide first, so that refusals look the same everywhere. ``Waiting`` and ``Streaming`` are
the doors as the server opens them. The plain views beside them serve where nothing stands around them; there a call
that waits keeps its thread.
"""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from asgiref.sync import async_to_sync
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from accounts.actor import Actor
from agents.adapters.events import LiveEvent
from agents.api.admission import Answer, App, Receive, Scope, Send, ask_view, doorway, while_there
from agents.api.serializers import run_data
from agents.api.views.runs import AgentRunView, RunEventsView
from agents.operations.live import follow_run, in_reading_thread, leave_connection, wait_until_finished
from agents.queries.live import is_seq
from agents.queries.places import list_waits
from agents.queries.runs import access_run, list_entries
from agents.queries.timeline import read_standing

logger = logging.getLogger(__name__)

WAIT_SECONDS = 30.0
FOLLOW_SECONDS = 600.0
"""How long one stream lasts: then the client comes back where it was, and is asked again who it is."""
_STREAM_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
}
_ITS_OWN = {"content-type", "content-length", "etag", "cache-control"}


class Waiting:
    """``POST /agent/run``: start a run and wait up to 30 s for its end, or not at all where the client prefers that."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer, around = await ask_view(self._app, scope, receive)
        actor, run_id = around.actor, around.run_id
        if actor and run_id and answer.status == 202 and not _is_in_haste(_header(scope, b"prefer")):
            ended = await while_there(receive, _ended(actor, run_id, answer))
            if ended is None:
                return
            answer = ended
        await answer.pass_on(send)


class Streaming:
    """``GET /api/v1/runs/<id>/events``: the run's journal as server-sent events, resumable at any seq."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer, around = await ask_view(self._app, scope, receive)
        if not (around.actor and around.run_id) or answer.status != 200 or scope["method"] != "GET":
            await answer.pass_on(send)
            return
        ours = [(name.encode(), value.encode()) for name, value in _STREAM_HEADERS.items()]
        kept = [(name, value) for name, value in answer.kept_headers if name.lower().decode() not in _STREAM_HEADERS]
        await send({"type": "http.response.start", "status": 200, "headers": [*kept, *ours]})
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("after", [""])
        after = _after(_header(scope, b"last-event-id") or asked[-1])
        await while_there(receive, _stream(around.actor, around.run_id, after=after, send=send))


@csrf_exempt
def agent_run(request: HttpRequest) -> Any:
    """``POST /agent/run`` where no door stands around it, or for the door that does."""
    answer: Any = AgentRunView.as_view()(request)
    is_done = answer.status_code != 202 or _is_in_haste(request.headers.get("Prefer", ""))
    if is_done or doorway.get() is not None:
        return answer
    actor, run_id = answer.asked_by, UUID(json.loads(answer.content)["id"])
    leave_connection()
    async_to_sync(wait_until_finished)(actor, run_id, seconds=WAIT_SECONDS)
    data, is_finished = _read(actor, run_id)
    return JsonResponse(data, status=200 if is_finished else 202, headers=_kept(answer.headers))


@csrf_exempt
def run_events(request: HttpRequest, run_id: str) -> Any:
    """``GET /api/v1/runs/<id>/events`` where no door stands around it, or for the door that does."""
    answer: Any = RunEventsView.as_view()(request, run_id=run_id)
    if answer.status_code != 200 or request.method != "GET" or doorway.get() is not None:
        return answer
    after = _after(request.headers.get("Last-Event-ID") or request.GET.get("after", ""))
    leave_connection()
    events = _as_sent_events(answer.asked_by, UUID(json.loads(answer.content)["id"]), after=after)
    return StreamingHttpResponse(events, headers={**_kept(answer.headers), **_STREAM_HEADERS})


# What a schema generator looks for on a plain function: the view behind the door describes itself.
agent_run.cls, agent_run.initkwargs = AgentRunView, {}  # type: ignore[attr-defined]
run_events.cls, run_events.initkwargs = RunEventsView, {}  # type: ignore[attr-defined]


async def _ended(actor: Actor, run_id: UUID, answer: Answer) -> Answer:
    try:
        await wait_until_finished(actor, run_id, seconds=WAIT_SECONDS)
        data, is_finished = await in_reading_thread(_read, actor, run_id)
    except Exception:
        # The run was accepted, and that is what the answer at hand says.
        logger.exception("run %s could not be waited for", run_id)
        return answer
    head = [*answer.kept_headers, (b"content-type", b"application/json")]
    body = JsonResponse(data).content
    return Answer(200 if is_finished else 202, [*head, (b"content-length", str(len(body)).encode())], body)


async def _stream(actor: Actor, run_id: UUID, *, after: int, send: Send) -> None:
    try:
        async with aclosing(_as_sent_events(actor, run_id, after=after)) as parts:
            async for part in parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
    except Exception:
        # The client comes back where it was; whatever stands in the way then is answered in order.
        logger.exception("the stream of run %s broke off", run_id)
    await send({"type": "http.response.body", "body": b""})


async def _as_sent_events(actor: Actor, run_id: UUID, *, after: int) -> AsyncGenerator[bytes, None]:
    until = asyncio.get_running_loop().time() + FOLLOW_SECONDS
    async with aclosing(follow_run(actor, run_id, after=after)) as events:
        async for event in events:
            if asyncio.get_running_loop().time() > until:
                return
            yield _sent_event(event)


def _sent_event(event: LiveEvent) -> bytes:
    if event.type == "heartbeat":
        return b": still here\n\n"
    place = "" if event.seq is None else f"id: {event.seq}\n"
    return f"{place}event: {event.type}\ndata: {event.text}\n\n".encode("utf-8", "replace")


def _after(offered: str) -> int:
    return int(offered) if is_seq(offered) else 0


def _is_in_haste(prefer: str) -> bool:
    return "respond-async" in prefer


def _header(scope: Scope, wanted: bytes) -> str:
    return ", ".join(value.decode("latin-1") for name, value in scope["headers"] if name == wanted)


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _ITS_OWN}


def _read(actor: Actor, run_id: UUID) -> tuple[dict[str, Any], bool]:
    run = access_run(actor, run_id)
    wait = list_waits(actor, [run]).get(run.id)
    data = run_data(run, list_entries(actor, run.id), standing=read_standing(actor, run), wait=wait)
    return data, run.is_finished
