# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Flows on the wire: what is sent, and what is answered."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.rest import Body, Query
from agents.engine.drafts import DraftFormat
from agents.models import Concurrency, ConcurrencyScope, Flow, FlowRevision, FlowVersion
from agents.operations.checking import check_kept
from agents.operations.flows import NAME_LENGTH
from agents.operations.versions import NOTE_LENGTH

FORMATS = [format.value for format in DraftFormat]


def _slug() -> serializers.CharField:
    return serializers.CharField(max_length=63, required=False)


def _format(**options: Any) -> serializers.ChoiceField:
    return serializers.ChoiceField(choices=FORMATS, **options)


class TextBody(Body):
    """A flow by its document, or by the text it is written as."""

    document = serializers.JSONField(required=False, help_text="The flow as an object, in either dialect.")
    # DRF has something called "source" too; declared fields do not replace it.
    source = serializers.CharField(  # type: ignore[assignment]
        required=False,
        max_length=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
        trim_whitespace=False,
        help_text="The flow as text, JSON or YAML; it is kept as it was written, comments and all.",
    )
    format = _format(required=False, help_text="How the text is written; left out, it is told by its look.")

    def validate_document(self, value: object) -> object:
        """Refuse a flow that is not even an object."""
        if not isinstance(value, dict):
            raise serializers.ValidationError("A flow is an object with a list of 'nodes'.")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a flow that is said twice, or not at all where it must be."""
        given = [name for name in ("document", "source") if name in attrs]
        if len(given) == 2:
            raise serializers.ValidationError("Send 'document' or 'source', not both.")
        if not given and not self.partial:
            raise serializers.ValidationError({"document": ["Send the flow as 'document', or its text as 'source'."]})
        return attrs


class CreateFlowBody(TextBody):
    """A flow to keep."""

    project_id = serializers.CharField(max_length=63, required=False, allow_null=True, default=None)
    is_team_template = serializers.BooleanField(default=False)
    name = serializers.CharField(max_length=NAME_LENGTH, required=False)
    slug = _slug()


class ChangeFlowBody(TextBody):
    """What to change of a flow."""

    name = serializers.CharField(max_length=NAME_LENGTH, required=False)
    slug = _slug()
    is_team_template = serializers.BooleanField(required=False)
    concurrency = serializers.ChoiceField(
        choices=Concurrency.values,
        required=False,
        help_text="What becomes of a run that is asked for while another is not over.",
    )
    concurrency_scope = serializers.ChoiceField(
        choices=ConcurrencyScope.values,
        required=False,
        help_text="Whether runs of the whole flow count together, or those of one conversation.",
    )


class ForkFlowBody(Body):
    """Where a copy goes, and what it is called."""

    project_id = serializers.CharField(max_length=63, required=False, allow_null=True, default=None)
    name = serializers.CharField(max_length=NAME_LENGTH, required=False)
    slug = _slug()


class PublishBody(Body):
    """What goes with a version."""

    note = serializers.CharField(max_length=NOTE_LENGTH, required=False, allow_blank=True, default="")


class ConvertBody(Body):
    """A text, and the format it is wanted in."""

    source = serializers.CharField(  # type: ignore[assignment]
        max_length=settings.DATA_UPLOAD_MAX_MEMORY_SIZE, trim_whitespace=False
    )
    to = _format()


class FlowsQuery(Query):
    """Which flows."""

    archived = serializers.BooleanField(default=False, help_text="Those that were put away, instead of those in use.")
    project_id = serializers.CharField(max_length=63, required=False, default=None, allow_null=True)


class DiffQuery(Query):
    """What a version is compared with."""

    # A keyword of the language, so it is declared by hand.
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the one field."""
        return {"with": serializers.CharField(max_length=10, default="draft", help_text="A version, or 'draft'.")}


class ExportQuery(Query):
    """How a flow is written out."""

    format = _format(required=False, help_text="json or yaml; left out, as it was written.")
    version = serializers.CharField(max_length=10, required=False, default=None, help_text="A version; else the draft.")


class FlowSummaryShape(serializers.ModelSerializer[Flow]):
    """A flow in a list."""

    project_id = serializers.UUIDField()
    owner_id = serializers.UUIDField(allow_null=True)
    published_version = serializers.IntegerField(source="published.number", allow_null=True, default=None)
    is_archived = serializers.BooleanField()
    has_unpublished_changes = serializers.BooleanField()

    class Meta:
        model = Flow
        fields = (
            "id",
            "slug",
            "name",
            "project_id",
            "owner_id",
            "is_team_template",
            "published_version",
            "has_unpublished_changes",
            "concurrency",
            "concurrency_scope",
            "is_archived",
            "revision",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


class ProblemShape(serializers.Serializer[Any]):
    """One thing wrong with a flow: its place as a JSON path, and where in the text that is, if there is one."""

    place = serializers.CharField()
    message = serializers.CharField()
    severity = serializers.ChoiceField(choices=["error", "warning"])
    line = serializers.IntegerField(allow_null=True)
    column = serializers.IntegerField(allow_null=True)


class FlowShape(FlowSummaryShape):
    """A flow with its draft, the text it was written as, and everything that is wrong with it."""

    document = serializers.JSONField(source="draft")
    source = serializers.CharField(source="as_written.source")  # type: ignore[assignment]
    edited_by = serializers.CharField(allow_null=True, help_text="Who saved the draft last.")
    problems = serializers.SerializerMethodField()

    class Meta:
        model = Flow
        fields = (
            *FlowSummaryShape.Meta.fields,
            "edited_by",
            "edited_at",
            "format",
            "source",
            "document",
            "problems",
        )
        read_only_fields = fields

    @extend_schema_field(ProblemShape(many=True))
    def get_problems(self, flow: Flow) -> Any:
        """Say what keeps it from running, and what may go wrong."""
        return ProblemShape(check_kept(flow), many=True).data


class FlowVersionSummaryShape(serializers.ModelSerializer[FlowVersion]):
    """A frozen version of a flow in a list."""

    flow_id = serializers.UUIDField()
    published_by = serializers.CharField()
    published_by_id = serializers.UUIDField()

    class Meta:
        model = FlowVersion
        fields = ("id", "flow_id", "number", "logic_hash", "note", "published_by", "published_by_id", "created_at")
        read_only_fields = fields


class FlowVersionShape(FlowVersionSummaryShape):
    """A frozen version of a flow."""

    source = serializers.CharField(source="as_written.source")  # type: ignore[assignment]
    document = serializers.JSONField()

    class Meta:
        model = FlowVersion
        fields = (*FlowVersionSummaryShape.Meta.fields, "format", "source", "document")
        read_only_fields = fields


class FlowRevisionSummaryShape(serializers.ModelSerializer[FlowRevision]):
    """A draft as it was once saved, in a list."""

    flow_id = serializers.UUIDField()
    saved_by = serializers.CharField()
    saved_by_id = serializers.UUIDField()

    class Meta:
        model = FlowRevision
        fields = ("id", "flow_id", "number", "format", "saved_by", "saved_by_id", "created_at")
        read_only_fields = fields


class FlowRevisionShape(FlowRevisionSummaryShape):
    """A draft as it was once saved."""

    class Meta:
        model = FlowRevision
        fields = (*FlowRevisionSummaryShape.Meta.fields, "source")
        read_only_fields = fields


class FieldChangeShape(serializers.Serializer[Any]):
    """One member that reads otherwise; null where it was not there."""

    name = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)
    is_layout = serializers.BooleanField()


class NodeChangeShape(serializers.Serializer[Any]):
    """A node that was added, removed or changed."""

    id = serializers.CharField()
    kind = serializers.CharField()
    # What DRF calls "fields" is a property of the class; the wire's name is declared below.
    changes = FieldChangeShape(many=True, source="fields")


class FlowDiffShape(serializers.Serializer[Any]):
    """Everything in which two states of a flow differ."""

    added = NodeChangeShape(many=True)
    removed = NodeChangeShape(many=True)
    changed = NodeChangeShape(many=True)
    others = FieldChangeShape(many=True)


class FlowCheckShape(serializers.Serializer[Any]):
    """What is wrong with a flow."""

    is_valid = serializers.BooleanField()  # type: ignore[assignment]
    problems = ProblemShape(many=True)


class ConvertedShape(serializers.Serializer[Any]):
    """A text in its other format, and whether remarks were lost on the way."""

    source = serializers.CharField()  # type: ignore[assignment]
    format = serializers.ChoiceField(choices=FORMATS)
    lost_comments = serializers.BooleanField()
