# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The forms about providers, their deployments and the rules for all."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from llm.engine.providers import PROVIDERS
from llm.models import Capability, Deployment, ModelRules, Provider
from llm.models.providers import NAME_LENGTH, URL_LENGTH
from llm.operations.deployments import DeploymentEdit
from llm.operations.providers import ProviderEdit
from llm.operations.routes import RulesEdit

_KINDS = [(kind, provider.label) for kind, provider in PROVIDERS.items()]
_OPTIONS = {
    option.name: f"{provider.label}: {option.label}" for provider in PROVIDERS.values() for option in provider.options
}
_CAPABILITIES = [
    (Capability.TOOLS.value, _("Tools")),
    (Capability.IMAGES.value, _("Pictures")),
    (Capability.SCHEMA.value, _("Structured output")),
]
_PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false", "class": "mono"}
_CHECK = {"class": "chk"}


def _limit(label: Any, help_text: Any = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=1, max_value=2**31 - 1, help_text=help_text)


class ProviderForm(forms.Form):
    """A provider that is connected, or changed. ``keys`` are the secrets to choose from."""

    name = forms.CharField(label=_("Name"), max_length=NAME_LENGTH, help_text=_("For people: what you call it."))
    kind = forms.ChoiceField(label=_("Provider"), choices=_KINDS)
    key = forms.ChoiceField(
        label=_("Key"),
        required=False,
        help_text=_("A secret of the vault. Put it there first; it is never shown here."),
        # Whoever is sent here by a script may have sent the key itself: it is not said again.
        error_messages={"invalid_choice": _("This is none of the secrets that you may use. Choose one.")},
    )
    base_url = forms.CharField(
        label=_("Address"),
        required=False,
        max_length=URL_LENGTH,
        widget=forms.TextInput(attrs={**_PLAIN, "placeholder": "https://"}),
        help_text=_("Only where it is not the provider's own: a proxy, or a server of yours."),
    )
    requests_per_minute = _limit(_("Requests a minute"), _("What its key takes at most. Empty is no limit."))
    tokens_per_minute = _limit(_("Tokens a minute"))
    is_enabled = forms.BooleanField(
        label=_("Switched on"), required=False, initial=True, widget=forms.CheckboxInput(attrs=_CHECK)
    )

    def __init__(self, *args: Any, keys: Sequence[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["key"].choices = [("", _("None")), *keys]  # type: ignore[attr-defined]
        for name, label in _OPTIONS.items():
            widget = forms.TextInput(attrs=_PLAIN)
            self.fields[f"option_{name}"] = forms.CharField(label=label, required=False, max_length=200, widget=widget)

    @classmethod
    def about(cls, row: Provider, data: Any = None, *, keys: Sequence[tuple[str, Any]]) -> "ProviderForm":
        """Return the form as it stands for a provider."""
        said = {name: getattr(row, name) for name in cls.base_fields if name != "key"}
        said["key"] = key_choice(row.key_folder, row.key_team_id or row.key_project_id, row.key) if row.key else ""
        options = {f"option_{name}": value for name, value in row.options.items()}
        return cls(data, initial={**said, **options}, keys=keys)

    def edit(self) -> ProviderEdit:
        """Return what was said. Asked of a valid form."""
        said = self.cleaned_data
        folder, place, key = (said["key"] or "organization::").split(":", 2)
        known = {option.name for option in PROVIDERS[said["kind"]].options}
        return ProviderEdit(
            name=said["name"],
            kind=said["kind"],
            base_url=said["base_url"],
            options={name: value for name in known if (value := said[f"option_{name}"])},
            key=key,
            key_folder=folder,
            key_team=place if folder == "team" else None,
            key_project=place if folder == "project" else None,
            requests_per_minute=(said["requests_per_minute"],),
            tokens_per_minute=(said["tokens_per_minute"],),
            is_enabled=said["is_enabled"],
        )


def label_of(kind: str) -> str:
    """Return what people call a kind of provider."""
    return dict(_KINDS).get(kind, kind)  # type: ignore[call-overload,no-any-return]


def key_choice(folder: str, place: Any, key: str) -> str:
    """Return how a secret is named in the form's list."""
    return f"{folder}:{place or ''}:{key}"


class DeploymentForm(forms.Form):
    """A model that is offered, or what is said of one."""

    model = forms.CharField(
        label=_("Model"),
        max_length=200,
        widget=forms.TextInput(attrs=_PLAIN),
        help_text=_("As the provider calls it, such as gpt-4o or llama3:8b."),
    )
    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs=_PLAIN),
        help_text=_("As flows and routes call it. Empty: the same."),
    )
    context_tokens = forms.IntegerField(
        label=_("Tokens it takes"),
        required=False,
        min_value=256,
        max_value=100_000_000,
        help_text=_("In all, with the answer. Empty: what is known of it, else 8192."),
    )
    capabilities = forms.MultipleChoiceField(
        label=_("It can"),
        required=False,
        choices=_CAPABILITIES,
        widget=forms.CheckboxSelectMultiple(attrs=_CHECK),
        help_text=_("Where none is ticked, it is asked for anything."),
    )
    is_enabled = forms.BooleanField(
        label=_("Switched on"), required=False, initial=True, widget=forms.CheckboxInput(attrs=_CHECK)
    )

    @classmethod
    def about(cls, row: Deployment, data: Any = None) -> "DeploymentForm":
        """Return the form as it stands for a deployment."""
        return cls(data, initial={name: getattr(row, name) for name in cls.base_fields})

    def edit(self, *, provider: str | None = None) -> DeploymentEdit:
        """Return what was said. Asked of a valid form."""
        said = self.cleaned_data
        return DeploymentEdit(
            provider=provider,
            model=said["model"],
            name=said["name"] or (said["model"] if provider is None else None),
            context_tokens=said["context_tokens"],
            capabilities=said["capabilities"],
            is_enabled=said["is_enabled"],
        )


class RulesForm(forms.Form):
    """What holds for every model the organization asks."""

    requests_per_minute = _limit(_("Requests a minute"))
    tokens_per_minute = _limit(_("Tokens a minute"), _("In and out, of all providers. Empty is no limit."))
    is_local_only = forms.BooleanField(
        label=_("Ask local models alone"),
        required=False,
        widget=forms.CheckboxInput(attrs=_CHECK),
        help_text=_("Models at addresses elsewhere are refused, and say so."),
    )

    @classmethod
    def about(cls, row: ModelRules, data: Any = None) -> "RulesForm":
        """Return the form as it stands."""
        return cls(data, initial={name: getattr(row, name) for name in cls.base_fields})

    def edit(self) -> RulesEdit:
        """Return what was said. Asked of a valid form."""
        said = self.cleaned_data
        return RulesEdit(
            requests_per_minute=(said["requests_per_minute"],),
            tokens_per_minute=(said["tokens_per_minute"],),
            is_local_only=said["is_local_only"],
        )
