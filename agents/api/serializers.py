# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Shapes of runs on the wire."""

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from accounts.rest import Body
from agents.engine.journal import Entry
from agents.models import Run
from agents.queries.places import Wait
from agents.queries.runs import log_of
from agents.queries.timeline import Standing
from codexos.kernel.jsontypes import JsonObject


class AgentRunBody(Body):
    """``POST /agent/run``."""

    agent_id = serializers.CharField(max_length=200, help_text="A flow's id or short name; a label for an inline flow.")
    flow = serializers.JSONField(required=False, help_text="An inline draft; then it is what runs.")
    # DRF calls something else "context" too; the wire's name is fixed, and declared fields do not replace it.
    context = serializers.ListField(  # type: ignore[assignment]
        child=serializers.CharField(max_length=400), required=False, default=list
    )
    input = serializers.JSONField(required=False, help_text="Text or an object.")
    project_id = serializers.CharField(max_length=63, required=False, allow_null=True, default=None)
    conversation_id = serializers.CharField(
        max_length=200,
        required=False,
        allow_blank=True,
        default="",
        help_text="Which talk the run belongs to: a flow's concurrency policy may count by it.",
    )

    def validate_flow(self, value: object) -> object:
        """Refuse a flow that is not even an object."""
        if not isinstance(value, dict):
            raise serializers.ValidationError("A flow is an object with a list of 'nodes'.")
        return value

    def validate_input(self, value: object) -> object:
        """Take text or an object, nothing else."""
        if not isinstance(value, str | dict):
            raise serializers.ValidationError("The input is text or an object.")
        return value


class LogLineShape(serializers.Serializer[Any]):
    """A line of a run's log."""

    timestamp = serializers.DateTimeField()
    node_id = serializers.CharField(allow_null=True)
    message = serializers.CharField()
    level = serializers.ChoiceField(choices=["info", "warning", "error"])


class ResultShape(serializers.Serializer[Any]):
    """What a run gave."""

    output = serializers.JSONField()
    citations = serializers.ListField(child=serializers.JSONField())


class UsageShape(serializers.Serializer[Any]):
    """What a run cost."""

    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cost_usd = serializers.FloatField()


class WaitingShape(serializers.Serializer[Any]):
    """A step that waits for a person, or the run itself where it is paused."""

    node_id = serializers.CharField(allow_null=True, help_text="The step's key; null for the run itself.")
    reason = serializers.CharField(help_text="`approval`, `may_have_happened` or `paused`.")
    message = serializers.CharField()
    since = serializers.DateTimeField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True, help_text="When it goes on as `timeout`; null where never.")
    title = serializers.CharField(help_text="Of an approval: the question.")
    show = serializers.JSONField(allow_null=True, help_text="Of an approval: what people see to decide by.")
    form = serializers.JSONField(allow_null=True, help_text="Of an approval: JSON Schema of what is sent as `form`.")
    deciders = serializers.ListField(
        child=serializers.CharField(), help_text="Roles and addresses of those who decide; none: whoever may step in."
    )
    id = serializers.CharField(help_text="Of an approval: its name; where it is asked again it has another.")
    call = serializers.JSONField(
        allow_null=True,
        help_text="Of a call that waits to be made: tool, arguments as they may be shown, capabilities, hosts, secrets "
        "by name, cost, labels, reasons, and a preview where the tool makes one.",
    )
    hash = serializers.CharField(help_text="Of a call: what an approval is bound to.")
    people = serializers.IntegerField(help_text="How many people have to approve.")
    approved_by = serializers.SerializerMethodField(help_text="Who has, where others have to as well.")

    def get_approved_by(self, wait: Any) -> list[str]:
        """Name them."""
        return list(wait.approved.values())


class ApprovalShape(WaitingShape):
    """A question that a run asks people."""

    run_id = serializers.UUIDField(source="run.id")
    agent_id = serializers.CharField(source="run.label")
    project_id = serializers.UUIDField(source="run.project_id")
    user_id = serializers.UUIDField(source="run.person_id")
    asked_by = serializers.CharField(help_text="Who started the run.")
    project = serializers.CharField(help_text="The project's short name.")
    flow_id = serializers.UUIDField(allow_null=True, help_text="Null of an inline flow, and of one that was deleted.")
    summary = serializers.CharField(help_text="What `show` holds, in a line.")
    risk = serializers.CharField(help_text="Of a call: `low`, `medium` or `high`; else empty.")
    may_decide = serializers.BooleanField(help_text="Whether it is yours to answer.")

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Say the question and whose it is."""
        return {
            **WaitingShape(instance.wait).data,
            "run_id": str(instance.run.id),
            "agent_id": instance.run.flow.slug if instance.run.flow else instance.run.label,
            "project_id": str(instance.run.project_id),
            "user_id": str(instance.run.person_id),
            "asked_by": str(instance.run.person),
            "project": instance.run.project.slug,
            "flow_id": None if instance.run.flow_id is None else str(instance.run.flow_id),
            "summary": instance.summary,
            "risk": instance.risk,
            "may_decide": instance.may_decide,
        }


class SkeletonStepShape(serializers.Serializer[Any]):
    """What is left of a step when the run's content has gone."""

    node_id = serializers.CharField()
    state = serializers.ChoiceField(choices=["succeeded", "failed", "skipped"])
    started_at = serializers.DateTimeField()
    duration_seconds = serializers.FloatField()


class ExpiredShape(serializers.Serializer[Any]):
    """That a run's content was kept as long as its organization wanted, and is gone."""

    at = serializers.DateTimeField(source="content_expired_at")
    content_days = serializers.IntegerField()
    steps = SkeletonStepShape(many=True, source="skeleton", help_text="What is left of the steps.")
    message = serializers.SerializerMethodField()

    def get_message(self, run: Run) -> str:
        """Say it in a sentence."""
        return f"Content was kept for {run.content_days} days and is gone since {run.content_expired_at:%Y-%m-%d}."


class QueuedForShape(serializers.Serializer[Any]):
    """What a run that has not begun waits for."""

    reason = serializers.ChoiceField(choices=["line", "place", "worker"])
    message = serializers.CharField()
    run_id = serializers.UUIDField(allow_null=True, help_text="The run it stands behind.")


class RunSummaryShape(serializers.ModelSerializer[Run]):
    """A run in a list."""

    user_id = serializers.UUIDField(source="person_id")
    agent_id = serializers.SerializerMethodField()
    project_id = serializers.UUIDField()
    flow_id = serializers.UUIDField(allow_null=True)
    usage = serializers.SerializerMethodField()
    parent_id = serializers.UUIDField(allow_null=True, help_text="The run that this one goes on from.")

    class Meta:
        model = Run
        fields = (
            "id",
            "agent_id",
            "flow_id",
            "project_id",
            "user_id",
            "conversation_id",
            "status",
            "created_at",
            "started_at",
            "completed_at",
            "usage",
            "parent_id",
        )
        read_only_fields = fields

    def get_agent_id(self, run: Run) -> str:
        """Say the flow's short name, or what an inline flow was labelled."""
        return run.flow.slug if run.flow else run.label

    def get_usage(self, run: Run) -> dict[str, int | float]:
        """Say what it cost so far."""
        return {
            "input_tokens": run.input_tokens,
            "output_tokens": run.output_tokens,
            "cost_usd": float(run.cost_usd),
        }


class JourneyShape(RunSummaryShape):
    """A run that goes on from another one, and how."""

    origin = serializers.JSONField(
        allow_null=True, help_text="`kind` (retry, rerun, fork, draft), `from` (a step), and `changes`."
    )

    class Meta:
        model = Run
        fields = (*RunSummaryShape.Meta.fields, "origin")
        read_only_fields = fields


class RunShape(JourneyShape):
    """A run in full: with its log and result, both read from its journal."""

    logs = LogLineShape(many=True)
    result = ResultShape(allow_null=True)
    error = serializers.JSONField(allow_null=True)
    waiting = WaitingShape(many=True, help_text="Steps that wait for a person.")
    children = serializers.IntegerField(help_text="How many runs go on from this one.")
    expired = ExpiredShape(allow_null=True, help_text="Set where logs and result are no longer kept; null before.")

    class Meta:
        model = Run
        fields = (*JourneyShape.Meta.fields, "logs", "result", "error", "waiting", "children", "expired")
        read_only_fields = fields


def run_data(
    run: Run,
    entries: Sequence[Entry],
    *,
    standing: Standing | None = None,
    wait: Wait | None = None,
    children: int = 0,
) -> dict[str, Any]:
    """Say a run in full: with what keeps it from going on, and what it waits for where it is queued."""
    last: JsonObject = entries[-1].data if entries and entries[-1].type == "run.finished" else {}
    return {
        **JourneyShape(run).data,
        "logs": LogLineShape(log_of(entries), many=True).data,
        "result": {"output": last.get("output"), "citations": last.get("citations", [])} if last else None,
        "error": last.get("error"),
        "waiting": [] if last or standing is None else _waiting(standing),
        "children": children,
        "queued_for": QueuedForShape(wait).data if wait else None,
        "expired": None if run.content_expired_at is None else ExpiredShape(run).data,
    }


def _waiting(standing: Standing) -> list[dict[str, Any]]:
    steps = [dict(WaitingShape(wait).data) for wait in standing.waiting]
    if standing.paused_by is None:
        return steps
    message = f"{standing.paused_by} paused the run. Resume it to let it go on."
    nothing = dict.fromkeys(("node_id", "since", "until", "show", "form", "call"))
    empty = {"title": "", "id": "", "hash": "", "people": 1, "deciders": [], "approved_by": []}
    return [*steps, {**nothing, **empty, "reason": "paused", "message": message}]
