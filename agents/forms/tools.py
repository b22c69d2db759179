# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a person fills in about a tool server, and to try a tool."""

import json
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from agents.models import ToolServer
from agents.models.tools import ADDRESS_LENGTH, SERVER_NAME_LENGTH
from agents.operations.tool_servers import ToolServerEdit

PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false", "class": "mono"}
_HOWS = [
    ("none", _("With no key")),
    ("bearer", _("As a bearer token")),
    ("basic", _("As name and password (name:password)")),
    ("api_key", _("In a header, the query or a cookie")),
    ("oauth2", _("For a token of its own (client id:secret)")),
]


def plain_text(label: Any, length: int, *, help_text: Any = "", placeholder: str = "") -> forms.CharField:
    """Return a field for a word that nobody's keyboard is to mend."""
    widget = forms.TextInput(attrs={**PLAIN, **({"placeholder": placeholder} if placeholder else {})})
    return forms.CharField(label=label, required=False, max_length=length, widget=widget, help_text=help_text)


class ServerForm(forms.Form):
    """What is said of every tool server."""

    name = forms.CharField(
        label=_("Name"),
        max_length=SERVER_NAME_LENGTH,
        widget=forms.TextInput(attrs=PLAIN),
        help_text=_("Flows say name.tool: a-z, 0-9, _ and -, beginning with a letter."),
    )
    project = forms.ChoiceField(label=_("For"), required=False)
    is_enabled = forms.BooleanField(
        label=_("Switched on"), required=False, initial=True, widget=forms.CheckboxInput(attrs={"class": "chk"})
    )

    def __init__(self, *args: Any, projects: Sequence[tuple[str, str]] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if projects is None:
            del self.fields["project"]
        else:
            self.fields["project"].choices = list(projects)  # type: ignore[attr-defined]
        # Behind all that is said of it.
        self.fields["is_enabled"] = self.fields.pop("is_enabled")

    @staticmethod
    def common(row: ToolServer) -> dict[str, Any]:
        """Return what is said of a server, whichever it is."""
        return {"name": row.name, "key": row.key, "is_enabled": row.is_enabled}

    def edit(self, row: ToolServer | None = None) -> ToolServerEdit:
        """Return what was said, of a server there is only what is said otherwise. Asked of a valid form."""
        raise NotImplementedError


class ToolServerForm(ServerForm):
    """A tool server that speaks by an OpenAPI document. ``keys`` are the secrets to choose from."""

    address = plain_text(
        _("Where its document is"),
        ADDRESS_LENGTH,
        placeholder="https://",
        help_text=_("An OpenAPI 3.0 or 3.1 document."),
    )
    document = forms.CharField(
        label=_("Or the document itself"),
        required=False,
        max_length=2_000_000,
        widget=forms.Textarea(attrs={"rows": 5, "class": "mono", "spellcheck": "false"}),
        help_text=_("JSON or YAML."),
    )
    base_url = plain_text(
        _("Where it is called"),
        ADDRESS_LENGTH,
        placeholder="https://",
        help_text=_("Only where that is not what the document says."),
    )
    how = forms.ChoiceField(label=_("How it is asked"), choices=_HOWS, required=False)
    key = plain_text(_("Key"), 100, help_text=_("The name of a secret in the vault; its value does not belong here."))
    place = forms.ChoiceField(
        label=_("The key stands in"),
        required=False,
        choices=[("header", _("a header")), ("query", _("the query")), ("cookie", _("a cookie"))],
    )
    place_name = plain_text(_("Of the name"), 100, placeholder="X-Api-Key")
    token_url = plain_text(_("Where tokens are asked for"), ADDRESS_LENGTH, placeholder="https://")

    @classmethod
    def about(cls, row: ToolServer, data: Any = None) -> "ToolServerForm":
        """Return the form as it stands for a server."""
        auth = row.auth
        said = {
            **cls.common(row),
            "address": row.address,
            "base_url": row.config.get("base_url", ""),
            "how": auth.get("how", "none"),
            "place": auth.get("in", "header"),
            "place_name": auth.get("name", ""),
            "token_url": auth.get("token_url", ""),
        }
        return cls(data, initial=said)

    def edit(self, row: ToolServer | None = None) -> ToolServerEdit:
        """Return what was said, of a server there is only what is said otherwise. Asked of a valid form."""
        said = self.cleaned_data
        base_url = said["base_url"].strip()
        config = {**(row.config if row else {}), **({"base_url": base_url} if base_url else {})}
        if not base_url:
            config.pop("base_url", None)
        whole = {"name": said["name"], "address": said["address"].strip(), "config": config, "auth": self._auth(row)}
        whole |= {"key": said["key"].strip(), "is_enabled": said["is_enabled"]}
        told = {name: value for name, value in whole.items() if row is None or getattr(row, name) != value}
        return ToolServerEdit(**told, document=said["document"].strip() or None)

    def _auth(self, row: ToolServer | None) -> dict[str, Any]:
        said, how = self.cleaned_data, self.cleaned_data["how"] or "none"
        if how == "api_key":
            return {"how": how, "in": said["place"] or "header", "name": said["place_name"].strip()}
        if how == "oauth2":
            return {**(row.auth if row else {}), "how": how, "token_url": said["token_url"].strip()}
        return {} if how == "none" else {"how": how}


class TryToolForm(forms.Form):
    """The arguments of one call, as JSON."""

    arguments = forms.CharField(
        label=_("Arguments"),
        required=False,
        strip=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 8, "class": "mono", "spellcheck": "false"}),
        help_text=_("A JSON object as the schema says."),
    )

    def clean_arguments(self) -> dict[str, Any]:
        """Return them as an object."""
        try:
            said = json.loads(self.cleaned_data["arguments"].strip() or "{}")
        except (ValueError, RecursionError):
            raise ValidationError(_("This is not JSON.")) from None
        if not isinstance(said, dict):
            raise ValidationError(_("Write a JSON object: {…}."))
        return said
