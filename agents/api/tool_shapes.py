# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Tools and tool servers on the wire. Where a key lies is told to who may use a vault; its value nowhere."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.rest import Body, Query
from accounts.roles import Permission
from agents.engine.offered import OfferedTool
from agents.models import ServerKind, ToolServer
from agents.models.tools import ADDRESS_LENGTH, SERVER_NAME_LENGTH
from agents.operations.tool_servers import ToolServerEdit

DOCUMENT_CHARACTERS = 2_000_000
STATES = ["ready", "off", "changed", "broken"]


class ToolShape(serializers.Serializer[Any]):
    """A tool that flows may call."""

    name = serializers.CharField(source="spec.name")
    description = serializers.CharField(source="spec.description")
    arguments_schema = serializers.JSONField(source="spec.schema", help_text="JSON Schema of what it takes.")
    result_schema = serializers.JSONField(source="spec.result_schema", help_text="JSON Schema of what it gives.")
    capabilities = serializers.ListField(
        child=serializers.CharField(),
        source="spec.capabilities",
        help_text="What it touches: read, write, egress:<host> (* for any that the installation lets out to).",
    )
    repeatable = serializers.ChoiceField(
        choices=["always", "some", "never"],
        source="spec.repeatable",
        help_text="Which calls are made again after a crash; the others wait for a person.",
    )
    timeout_seconds = serializers.FloatField(source="spec.timeout_seconds")
    kind = serializers.CharField(help_text="built_in, openapi, mcp_http, mcp_stdio, file, flow: where it comes from.")
    server_id = serializers.UUIDField(allow_null=True, help_text="The tool server it is one of.")
    state = serializers.ChoiceField(
        choices=STATES,
        help_text="Only what is ready is called; changed waits for a person to accept what its server says of it now.",
    )
    reason = serializers.CharField(help_text="Why it is not ready.")
    gives_untrusted = serializers.BooleanField(
        source="spec.gives_untrusted", help_text="Whether what it gives back is text of strangers."
    )
    is_available = serializers.BooleanField()
    note = serializers.CharField(help_text="What a setting of this installation does to it.")


class ToolsQuery(Query):
    """Which tools."""

    project_id = serializers.CharField(
        max_length=63, required=False, default=None, help_text="Those of a project: its id or short name."
    )


class AuthBody(serializers.Serializer[Any]):
    """How a key is sent."""

    how = serializers.ChoiceField(choices=["none", "api_key", "bearer", "basic", "oauth2", "sign_in"])
    name = serializers.CharField(max_length=100, required=False, help_text="`api_key`: of what header or parameter.")
    token_url = serializers.CharField(max_length=500, required=False, help_text="`oauth2`: client credentials.")
    scope = serializers.CharField(max_length=500, required=False, help_text="`oauth2`, `sign_in`: what is asked for.")
    client_id = serializers.CharField(
        max_length=500, required=False, help_text="`sign_in`: where the provider registers nobody by itself."
    )

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; one is called as a word of Python is."""
        places = serializers.ChoiceField(choices=["header", "query", "cookie"], required=False, help_text="`api_key`.")
        return {**super().get_fields(), "in": places}


class ChangeToolServerBody(Body):
    """What to change of a tool server."""

    name = serializers.CharField(max_length=SERVER_NAME_LENGTH, help_text="Flows say `<name>.<tool>`.")
    kind = serializers.ChoiceField(choices=ServerKind.values, required=False, help_text="openapi where it is left out.")
    description = serializers.CharField(max_length=500, required=False, allow_blank=True)
    address = serializers.CharField(
        max_length=ADDRESS_LENGTH, required=False, allow_blank=True, help_text="Where it is read: its document."
    )
    document = serializers.CharField(
        max_length=DOCUMENT_CHARACTERS, required=False, help_text="`openapi`: the document itself, JSON or YAML."
    )
    config = serializers.DictField(required=False, help_text="`openapi`: `base_url`, where it is called.")
    auth = AuthBody(required=False)
    key = serializers.CharField(
        max_length=100,
        required=False,
        allow_blank=True,
        help_text="The name of a secret in the vault; never its value.",
    )
    tools = serializers.ListField(
        child=serializers.CharField(max_length=80),
        required=False,
        max_length=500,
        help_text="Those to choose; `*`: all.",
    )
    is_enabled = serializers.BooleanField(required=False)

    @classmethod
    def edit(cls, data: Any, *, partial: bool = False) -> tuple[ToolServerEdit, str | None]:
        """Return what was sent, and the project it names. Raises ValidationError."""
        body = cls.parse(data, partial=partial)
        project, chosen = body.pop("project_id", None), body.pop("tools", None)
        return ToolServerEdit(**body, chosen=chosen), project


class ToolServerBody(ChangeToolServerBody):
    """A tool server to connect to."""

    project_id = serializers.CharField(
        max_length=63, required=False, allow_null=True, help_text="The project it serves; null or none: all of them."
    )


class ChooseToolsBody(Body):
    """Which tools of a server may be called, accepted as they are offered now."""

    tools = serializers.ListField(child=serializers.CharField(max_length=80), max_length=500, help_text="`*`: all.")


class OfferedToolShape(serializers.Serializer[Any]):
    """A tool that a server offers."""

    name = serializers.CharField(source="tool.name")
    full_name = serializers.CharField(help_text="As flows say it.")
    description = serializers.CharField(source="tool.description")
    arguments_schema = serializers.JSONField(source="tool.schema")
    reads_only = serializers.BooleanField(source="tool.reads_only")
    is_chosen = serializers.BooleanField()
    state = serializers.ChoiceField(choices=STATES)
    reason = serializers.CharField()
    accepted = serializers.JSONField(
        allow_null=True, help_text="Of one that has changed: the description and schema that people accepted."
    )


def offered_of(row: ToolServer) -> list[dict[str, Any]]:
    """Return what a server offers, each with its state, and what was accepted of one that has changed."""
    return [_offered(row, tool) for tool in row.tools]


def _offered(row: ToolServer, tool: OfferedTool) -> dict[str, Any]:
    standing = row.standing_of(tool)
    return {
        "tool": tool,
        "full_name": row.full_name(tool),
        "is_chosen": tool.name in row.chosen,
        "state": standing.state,
        "reason": standing.reason,
        "accepted": row.pinned.get(tool.name) if standing.state == "changed" else None,
    }


class ToolServerSummaryShape(serializers.ModelSerializer[ToolServer]):
    """A tool server in a list."""

    project_id = serializers.UUIDField(allow_null=True, help_text="Null: it serves the whole organization.")
    chosen = serializers.ListField(child=serializers.CharField())
    key = serializers.SerializerMethodField(help_text="The name of its secret; null for who may use no vault.")

    class Meta:
        model = ToolServer
        fields = (
            *("id", "project_id", "name", "description", "kind", "address", "config", "auth", "key", "chosen"),
            *("is_enabled", "reason", "read_at", "revision", "created_at", "updated_at"),
        )
        read_only_fields = fields

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_key(self, row: ToolServer) -> str | None:
        """Return which secret it is asked with."""
        actor = getattr(self.context.get("request"), "auth", None)
        return row.key if actor is not None and actor.may_somewhere(Permission.ACCESS_VAULT) else None


class ToolServerShape(ToolServerSummaryShape):
    """A tool server in full."""

    tools = serializers.SerializerMethodField()

    class Meta:
        model = ToolServer
        fields = (*ToolServerSummaryShape.Meta.fields, "tools")
        read_only_fields = fields

    @extend_schema_field(OfferedToolShape(many=True))
    def get_tools(self, row: ToolServer) -> Any:
        """Say what it offers."""
        return OfferedToolShape(offered_of(row), many=True).data
