# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Triggers on the wire: what is sent, and what is answered."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.rest import Body, Query
from agents.models import Firing, HookStyle, Missed, Trigger, TriggerKind
from agents.operations.trigger_edits import NAME_LENGTH
from agents.queries.triggers import hook_address, upcoming


class ChangeTriggerBody(Body):
    """What to change of a trigger."""

    name = serializers.CharField(max_length=NAME_LENGTH, required=False)
    at = serializers.CharField(
        max_length=40, required=False, help_text="`at`: a moment with an offset, or local time of `time_zone`."
    )
    cron = serializers.CharField(
        max_length=200, required=False, help_text="`cron`: minute, hour, day of the month, month, day of the week."
    )
    time_zone = serializers.CharField(max_length=64, required=False, help_text="An IANA name; UTC where none is said.")
    missed = serializers.ChoiceField(
        choices=Missed.values,
        required=False,
        help_text="What becomes of moments that nothing was up to meet.",
    )
    # DRF has something called "style" too; declared fields do not replace it.
    style = serializers.ChoiceField(  # type: ignore[assignment]
        choices=HookStyle.values,
        required=False,
        help_text="`webhook`: how its caller signs.",
    )
    input = serializers.JSONField(
        required=False, help_text="What its runs are given. A webhook's is an object that goes over what was sent."
    )
    is_enabled = serializers.BooleanField(required=False, help_text="Whether it starts runs; false pauses it.")


class CreateTriggerBody(ChangeTriggerBody):
    """A trigger to make."""

    flow_id = serializers.CharField(max_length=63, help_text="A flow's id or short name.")
    kind = serializers.ChoiceField(choices=TriggerKind.values)
    name = serializers.CharField(max_length=NAME_LENGTH)


class TriggersQuery(Query):
    """Which triggers."""

    flow_id = serializers.CharField(max_length=63, required=False, default=None, help_text="Those of one flow.")


class TriggerSummaryShape(serializers.ModelSerializer[Trigger]):
    """A trigger in a list."""

    flow_id = serializers.UUIDField()
    project_id = serializers.UUIDField()
    user_id = serializers.UUIDField(source="person_id", help_text="Whom its runs act as.")

    class Meta:
        model = Trigger
        fields = (
            *("id", "flow_id", "project_id", "user_id", "name", "kind", "at", "cron", "time_zone", "missed", "style"),
            *("is_enabled", "reason", "next_at", "revision", "created_at"),
        )
        read_only_fields = fields


class TriggerShape(TriggerSummaryShape):
    """A trigger in full."""

    input = serializers.JSONField(allow_null=True)
    upcoming = serializers.SerializerMethodField()
    address = serializers.SerializerMethodField()

    class Meta:
        model = Trigger
        fields = (*TriggerSummaryShape.Meta.fields, "input", "upcoming", "address", "old_secret_until")
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.DateTimeField()))
    def get_upcoming(self, trigger: Trigger) -> Any:
        """Say when it is due next."""
        return upcoming(trigger)

    @extend_schema_field(serializers.URLField(allow_null=True))
    def get_address(self, trigger: Trigger) -> str | None:
        """Say where a webhook is called."""
        return hook_address(trigger) if trigger.is_webhook else None


class MadeTriggerShape(TriggerShape):
    """A trigger at the one moment its secret is known."""

    secret = serializers.SerializerMethodField()

    class Meta:
        model = Trigger
        fields = (*TriggerShape.Meta.fields, "secret")
        read_only_fields = fields

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_secret(self, _trigger: Trigger) -> str | None:
        """Say a webhook's secret, here and never again."""
        return self.context.get("secret") or None


class FiringShape(serializers.ModelSerializer[Firing]):
    """One time a trigger was due, called or fired by hand."""

    trigger_id = serializers.UUIDField()
    run_id = serializers.UUIDField(allow_null=True)
    run_status = serializers.CharField(source="run.status", allow_null=True, default=None)
    by_id = serializers.UUIDField(allow_null=True, help_text="Who fired it by hand.")

    class Meta:
        model = Firing
        fields = (
            *(
                "id",
                "trigger_id",
                "due_at",
                "delivery",
                "by_id",
                "run_id",
                "run_status",
                "code",
                "reason",
                "created_at",
            ),
        )
        read_only_fields = fields


class ReceivedShape(serializers.Serializer[Any]):
    """What a webhook's caller is told."""

    run_id = serializers.UUIDField(allow_null=True, help_text="The run; null where it is kept no more.")
    firing_id = serializers.UUIDField()
    is_replay = serializers.BooleanField(help_text="Whether this delivery had come before.")
