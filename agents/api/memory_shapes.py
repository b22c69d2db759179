# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Memory on the wire: what is sent, and what is answered."""

from rest_framework import serializers

from accounts.rest import Body, Query
from agents.models import MemoryEntry, MemoryLabel, MemoryScope
from agents.queries.memory import LONGEST_SEARCH


class MemoryQuery(Query):
    """Which entries."""

    scope = serializers.ChoiceField(choices=MemoryScope.values, required=False, default="")
    project_id = serializers.CharField(max_length=63, required=False, default="")
    flow_id = serializers.CharField(max_length=63, required=False, default="", help_text="Of one agent.")
    conversation_id = serializers.CharField(max_length=200, required=False, default="")
    search = serializers.CharField(max_length=LONGEST_SEARCH, required=False, default="", help_text="In key and value.")
    quarantined = serializers.BooleanField(
        required=False, default=None, allow_null=True, help_text="Those that wait for a person, or those that do not."
    )


class ChangeMemoryBody(Body):
    """What to change of an entry."""

    value = serializers.JSONField(required=False)
    # DRF has something called "label" too; declared fields do not replace it.
    label = serializers.ChoiceField(choices=MemoryLabel.values, required=False)  # type: ignore[assignment]
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class AcceptMemoryBody(Body):
    """How to accept an entry that waits."""

    label = serializers.ChoiceField(  # type: ignore[assignment]
        choices=MemoryLabel.values, required=False, default=MemoryLabel.TRUSTED.value
    )


class MemoryEntryShape(serializers.ModelSerializer[MemoryEntry]):
    """Something agents keep."""

    project_id = serializers.UUIDField()
    flow_id = serializers.UUIDField(allow_null=True, help_text="Of `agent`: whose it is.")
    conversation_id = serializers.SerializerMethodField()
    value = serializers.JSONField(allow_null=True)
    sources = serializers.ListField(child=serializers.CharField(), help_text="Which text of strangers led to it.")
    source_run_id = serializers.UUIDField(allow_null=True, help_text="The run that wrote it last.")
    changed_by_id = serializers.UUIDField(allow_null=True, help_text="Who changed or accepted it last.")

    class Meta:
        model = MemoryEntry
        fields = (
            *("id", "scope", "project_id", "flow_id", "conversation_id", "key", "value", "size", "label", "sources"),
            *("is_quarantined", "source_run_id", "changed_by_id", "version", "expires_at", "created_at", "updated_at"),
        )
        read_only_fields = fields

    def get_conversation_id(self, entry: MemoryEntry) -> str | None:
        """Say which conversation an entry is of."""
        return entry.place if entry.scope == MemoryScope.CONVERSATION else None
