# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a person fills in about a server that speaks the Model Context Protocol."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from agents.forms.tools import PLAIN, ServerForm, ToolServerForm, plain_text
from agents.models import ServerKind, ToolServer
from agents.models.tools import ADDRESS_LENGTH
from agents.operations.tool_servers import ToolServerEdit

_HOWS = [
    ("none", _("With no key")),
    ("sign_in", _("As somebody who signs in at its provider")),
    ("bearer", _("As a bearer token")),
    ("basic", _("As name and password (name:password)")),
    ("api_key", _("In a header of its own")),
]
_TRUST = _("Believe it where it says that a tool only reads")


class _McpForm(ServerForm):
    """What both kinds have in common; ``kind`` is which one it is about."""

    kind: ServerKind

    key = plain_text(_("Key"), 100, help_text=_("The name of a secret in the vault; its value does not belong here."))
    trusts = forms.BooleanField(label=_TRUST, required=False, widget=forms.CheckboxInput(attrs={"class": "chk"}))

    def edit(self, row: ToolServer | None = None) -> ToolServerEdit:
        """Return what was said, of a server there is only what is said otherwise. Asked of a valid form."""
        said = self.cleaned_data
        config = self.config(row)
        config.pop("trust_read_only", None)
        config |= {"trust_read_only": True} if said["trusts"] else {}
        whole = {"name": said["name"], "config": config, "key": said["key"].strip(), "is_enabled": said["is_enabled"]}
        whole |= self.more(row) | ({"kind": self.kind.value} if row is None else {})
        return ToolServerEdit(
            **{name: value for name, value in whole.items() if row is None or getattr(row, name) != value}
        )

    def config(self, row: ToolServer | None) -> dict[str, Any]:
        """Return what is said of how it is reached."""
        raise NotImplementedError

    def more(self, row: ToolServer | None) -> dict[str, Any]:
        """Return what this kind alone has."""
        return {}


class McpHttpForm(_McpForm):
    """A server at an address."""

    kind = ServerKind.MCP_HTTP
    field_order = ("name", "project", "address", "how", "key", "place_name", "client_id", "scope", "transport")

    address = plain_text(_("Where it listens"), ADDRESS_LENGTH, placeholder="https://")
    how = forms.ChoiceField(label=_("How it is asked"), choices=_HOWS, required=False)
    place_name = plain_text(_("The header of the key"), 100, placeholder="X-Api-Key")
    client_id = plain_text(
        _("Client id"), 500, help_text=_("For signing in, only where its provider registers nobody by itself.")
    )
    scope = plain_text(
        _("Scope"), 500, help_text=_("For signing in, only where it is to be less than the server asks.")
    )
    transport = forms.ChoiceField(
        label=_("Transport"),
        required=False,
        choices=[("", _("found out")), ("http", _("streamable HTTP")), ("sse", _("the older one (SSE)"))],
    )

    @classmethod
    def about(cls, row: ToolServer, data: Any = None) -> "McpHttpForm":
        """Return the form as it stands for a server."""
        auth = row.auth
        said = {
            **cls.common(row),
            "address": row.address,
            "how": auth.get("how", "none"),
            "place_name": auth.get("name", ""),
            "client_id": auth.get("client_id", ""),
            "scope": auth.get("scope", ""),
            "transport": row.config.get("transport", ""),
            "trusts": row.config.get("trust_read_only") is True,
        }
        return cls(data, initial=said)

    def config(self, row: ToolServer | None) -> dict[str, Any]:
        """See above."""
        config = dict(row.config if row else {})
        config.pop("transport", None)
        transport = self.cleaned_data["transport"]
        return {**config, **({"transport": transport} if transport else {})}

    def more(self, row: ToolServer | None) -> dict[str, Any]:
        """See above."""
        return {"address": self.cleaned_data["address"].strip(), "auth": self._auth()}

    def _auth(self) -> dict[str, Any]:
        said, how = self.cleaned_data, self.cleaned_data["how"] or "none"
        if how == "api_key":
            return {"how": how, "in": "header", "name": said["place_name"].strip()}
        if how == "sign_in":
            asked = {name: said[name].strip() for name in ("client_id", "scope")}
            return {"how": how, **{name: value for name, value in asked.items() if value}}
        return {} if how == "none" else {"how": how}


class McpStdioForm(_McpForm):
    """A command of the operator's catalogue, started in the sandbox."""

    kind = ServerKind.MCP_STDIO
    field_order = ("name", "project", "command", "key")

    command = forms.CharField(
        label=_("Command"),
        max_length=40,
        widget=forms.TextInput(attrs=PLAIN),
        help_text=_("Its name in the catalogue of whoever runs this installation. It runs in the sandbox."),
    )

    @classmethod
    def about(cls, row: ToolServer, data: Any = None) -> "McpStdioForm":
        """Return the form as it stands for a server."""
        config = row.config
        said = {"command": config.get("command", ""), "trusts": config.get("trust_read_only") is True}
        return cls(data, initial={**cls.common(row), **said})

    def config(self, row: ToolServer | None) -> dict[str, Any]:
        """See above."""
        return {"command": self.cleaned_data["command"].strip()}


FORMS: dict[str, type[McpHttpForm] | type[McpStdioForm]] = {
    ServerKind.MCP_HTTP.value: McpHttpForm,
    ServerKind.MCP_STDIO.value: McpStdioForm,
}


def new_form(kind: str, data: Any = None, *, projects: Sequence[tuple[str, str]]) -> ServerForm:
    """Return the form for a new server of a kind; of an OpenAPI document where there is no such one."""
    return FORMS.get(kind, ToolServerForm)(data, projects=projects)


def form_about(row: ToolServer, data: Any = None) -> ServerForm:
    """Return the form of a server there is."""
    form = FORMS.get(row.kind)
    return ToolServerForm.about(row, data) if form is None else form.about(row, data)
