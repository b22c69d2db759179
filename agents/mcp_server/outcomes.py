# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a run came to as the result of a call: for programs by a schema, for models in words."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import mcp_types as types
from django.conf import settings

from accounts.actor import Actor
from agents.queries.interventions import list_asked, may_decide
from agents.queries.progress import folded
from agents.queries.runs import access_run, list_entries
from agents.queries.timeline import WaitingView, list_waiting_steps, read_standing
from codexos.kernel.jsontypes import JsonValue

STATUSES = ("queued", "running", "waiting", "succeeded", "failed", "cancelled")
_SUCCEEDED = "succeeded"


def output_schema(output: JsonValue) -> dict[str, Any]:
    """Return the schema of what calls give; ``output`` is there where the run has succeeded."""
    waiting = {
        "type": "object",
        "properties": {name: {"type": "string"} for name in ("node_id", "title", "message", "url")},
        "required": ["node_id", "url"],
    }
    return {
        "type": "object",
        "properties": {
            "run_id": {"type": "string"},
            "status": {"type": "string", "enum": list(STATUSES)},
            "url": {"type": "string", "description": "The run's page."},
            "output": output if isinstance(output, dict) else {},
            "citations": {"type": "array"},
            "error": {"type": "object"},
            "waiting": {"type": "array", "items": waiting, "description": "What waits for people."},
            "usage": {"type": "object"},
        },
        "required": ["run_id", "status", "url"],
    }


def outcome_of(actor: Actor, run_id: UUID) -> types.CallToolResult:
    """Return what a run has come to by now. Raises RunNotFound."""
    run = access_run(actor, run_id)
    entries = list_entries(actor, run.id, most=1)
    last = entries[-1].data if entries and entries[-1].type == "run.finished" else {}
    told: dict[str, Any] = {
        "run_id": str(run.id),
        "status": str(last.get("status") or run.status),
        "url": url_of(run.id),
    }
    if told["status"] == _SUCCEEDED and last:
        told |= {"output": last.get("output"), "citations": list(last.get("citations") or ())}  # type: ignore[arg-type]
    if last.get("error"):
        told["error"] = last["error"]
    waiting = () if last else read_standing(actor, run).waiting
    if waiting:
        told |= {"status": "waiting", "waiting": [_told(wait, run.id) for wait in waiting]}
    told["usage"] = {
        "input_tokens": run.input_tokens,
        "output_tokens": run.output_tokens,
        "cost_usd": float(run.cost_usd),
    }
    return _result(json.loads(json.dumps(told, default=dict)))


@dataclass(frozen=True, slots=True)
class Wait:
    """What a run waits for, and whether it is the sender's to answer."""

    view: WaitingView
    is_theirs: bool


def list_waits(actor: Actor, run_id: UUID) -> list[Wait]:
    """Return what a run waits for that nobody has decided yet."""
    run = access_run(actor, run_id)
    if run.is_finished:
        return []
    with folded(actor, run) as progress:
        waits = list_waiting_steps(progress, list_asked(actor, run.id))
    return [Wait(wait, _is_for(actor, run, wait)) for wait in waits if wait.decided is None]


def _is_for(actor: Actor, run: Any, wait: WaitingView) -> bool:
    """Tell whether a question is the actor's to answer, who has not approved of it already."""
    return wait.is_question and may_decide(actor, run, wait.told) and str(actor.person_id) not in wait.approved


def url_of(run_id: UUID) -> str:
    """Return the address of a run's page."""
    return f"{settings.CODEXOS_URL}/runs/{run_id}/"


def _told(wait: WaitingView, run_id: UUID) -> dict[str, str]:
    return {"node_id": wait.node_id, "title": wait.title, "message": wait.message, "url": url_of(run_id)}


def _result(told: dict[str, Any]) -> types.CallToolResult:
    is_error = told["status"] in {"failed", "cancelled"}
    return types.CallToolResult(
        content=[types.TextContent(text=_words(told))], structured_content=told, is_error=is_error
    )


def _words(told: dict[str, Any]) -> str:
    match told["status"]:
        case "succeeded":
            output = told.get("output")
            return output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
        case "failed" | "cancelled":
            error = told.get("error") or {}
            return f"Run {told['run_id']} {told['status']}: {error.get('message', 'see its page.')} {told['url']}"
        case "waiting" if told.get("waiting"):
            asked = "; ".join(each["title"] or each["message"] or each["node_id"] for each in told["waiting"])
            return (
                f"Run {told['run_id']} waits for a person: {asked}. It is decided at {told['url']}; then call "
                f"run_result with this run_id."
            )
        case status:
            return f"Run {told['run_id']} is {status}: {told['url']}. Call run_result with this run_id to wait for it."
