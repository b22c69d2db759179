# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The two asynchronous doors: a call that waits for its run, and a run's events as they happen.

Both let an ordinary API view decide first, so that refusals look the same everywhere.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from accounts.actor import Actor
from agents.api.serializers import run_data
from agents.api.views.runs import AgentRunView, RunEventsView
from agents.operations.live import follow_run, leaving_no_connection, wait_until_finished
from agents.queries.runs import access_run, list_entries

WAIT_SECONDS = 30.0
FOLLOW_SECONDS = 600.0
"""How long one stream lasts: then the client comes back where it was, and is asked again who it is."""
_ITS_OWN = {"content-type", "content-length", "etag"}

_start = sync_to_async(leaving_no_connection(AgentRunView.as_view()))
_admit = sync_to_async(leaving_no_connection(RunEventsView.as_view()))


@csrf_exempt
async def agent_run(request: HttpRequest) -> HttpResponseBase:
    """``POST /agent/run``: start a run and wait up to 30 s for its end, or not at all where the client prefers that."""
    answer = await _start(request)
    if answer.status_code != 202 or "respond-async" in request.headers.get("Prefer", ""):
        return answer
    actor, run_id = _read_admission(answer)
    await wait_until_finished(actor, run_id, seconds=WAIT_SECONDS)
    data, is_finished = await _read(actor, run_id)
    return JsonResponse(data, status=200 if is_finished else 202, headers=_kept_headers(answer.headers))


@csrf_exempt
async def run_events(request: HttpRequest, run_id: str) -> HttpResponseBase:
    """``GET /api/v1/runs/<id>/events``: the run's journal as server-sent events, resumable at any seq."""
    answer = await _admit(request, run_id=run_id)
    if answer.status_code != 200 or request.method != "GET":
        return answer
    actor, found = _read_admission(answer)
    headers = {**_kept_headers(answer.headers), "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    events = _as_sent_events(actor, found, after=_after(request))
    return StreamingHttpResponse(events, headers=headers, content_type="text/event-stream; charset=utf-8")


# What a schema generator looks for on a plain function: the view behind the door describes itself.
agent_run.cls, agent_run.initkwargs = AgentRunView, {}  # type: ignore[attr-defined]
run_events.cls, run_events.initkwargs = RunEventsView, {}  # type: ignore[attr-defined]


async def _as_sent_events(actor: Actor, run_id: UUID, *, after: int) -> AsyncIterator[bytes]:
    until = asyncio.get_running_loop().time() + FOLLOW_SECONDS
    async for event in follow_run(actor, run_id, after=after):
        if asyncio.get_running_loop().time() > until:
            return
        if event is None:
            yield b": still here\n\n"
            continue
        place = f"id: {event['seq']}\n" if "seq" in event else ""
        written = json.dumps(event, ensure_ascii=False, separators=(",", ":"), default=dict)
        yield f"{place}event: {event['type']}\ndata: {written}\n\n".encode("utf-8", "replace")


def _after(request: HttpRequest) -> int:
    offered = request.headers.get("Last-Event-ID") or request.GET.get("after", "")
    return int(offered) if offered.isascii() and offered.isdigit() and len(offered) < 10 else 0


def _read_admission(answer: HttpResponse) -> tuple[Actor, UUID]:
    actor: Actor = answer.asked_by  # type: ignore[attr-defined]
    return actor, UUID(json.loads(answer.content)["id"])


def _kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _ITS_OWN}


@sync_to_async
@leaving_no_connection
def _read(actor: Actor, run_id: UUID) -> tuple[dict[str, Any], bool]:
    run = access_run(actor, run_id)
    return run_data(run, list_entries(actor, run.id)), run.is_finished
