# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The two asynchronous doors: a call that waits for its run, and a run's events as they happen.

Both let an ordinary API view decide first, so that refusals look the same everywhere.
"""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from accounts.actor import Actor
from agents.api.serializers import run_data
from agents.api.views import AgentRunView, RunEventsView
from agents.operations.live import follow_run, wait_until_finished
from agents.queries.runs import access_run, list_entries

WAIT_SECONDS = 30.0

_start = sync_to_async(AgentRunView.as_view())
_admit = sync_to_async(RunEventsView.as_view())


@csrf_exempt
async def agent_run(request: HttpRequest) -> HttpResponseBase:
    """``POST /agent/run``: start a run and wait up to 30 s for its end, or not at all where the client prefers that."""
    answer = await _start(request)
    if answer.status_code != 202 or "respond-async" in request.headers.get("Prefer", ""):
        return answer
    actor, run_id = _actor_of(answer), UUID(answer.data["id"])
    await wait_until_finished(actor, run_id, seconds=WAIT_SECONDS)
    data, is_finished = await _read(actor, run_id)
    response = JsonResponse(data, status=200 if is_finished else 202)
    response["Location"] = f"/api/v1/runs/{run_id}/"
    return response


@csrf_exempt
async def run_events(request: HttpRequest, run_id: str) -> HttpResponseBase:
    """``GET /api/v1/runs/<id>/events``: the run's journal as server-sent events, resumable at any seq."""
    answer = await _admit(request, run_id=run_id)
    follows = getattr(answer, "follows", None)
    if follows is None:
        return answer
    actor, found = follows
    response = StreamingHttpResponse(
        _as_sent_events(actor, found, after=_after(request)), content_type="text/event-stream; charset=utf-8"
    )
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


async def _as_sent_events(actor: Actor, run_id: UUID, *, after: int) -> AsyncIterator[bytes]:
    async for event in follow_run(actor, run_id, after=after):
        if event is None:
            yield b": still here\n\n"
            continue
        place = f"id: {event['seq']}\n" if "seq" in event else ""
        written = json.dumps(event, ensure_ascii=False, separators=(",", ":"), default=dict)
        yield f"{place}event: {event['type']}\ndata: {written}\n\n".encode("utf-8", "replace")


def _after(request: HttpRequest) -> int:
    offered = request.headers.get("Last-Event-ID") or request.GET.get("after", "")
    return int(offered) if offered.isascii() and offered.isdigit() and len(offered) < 10 else 0


def _actor_of(answer: HttpResponse) -> Actor:
    actor: Actor = answer.renderer_context["view"].request.auth  # type: ignore[attr-defined]
    return actor


@sync_to_async
def _read(actor: Actor, run_id: UUID) -> tuple[dict[str, Any], bool]:
    run = access_run(actor, run_id)
    return run_data(run, list_entries(actor, run.id)), run.is_finished
