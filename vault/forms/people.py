# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The forms about who may use secrets."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.roles import MEMBER_ROLES
from vault.forms.fields import TagsField
from vault.models import Effect
from vault.operations.rules import RuleRequest
from vault.operations.sharing import Whom

Choices = Sequence[tuple[str, Any]]


class ShareForm(forms.Form):
    """With whom a secret is shared."""

    whom = forms.ChoiceField(label=_("Share with"))

    def __init__(self, *args: Any, people: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["whom"].choices = people  # type: ignore[attr-defined]

    def named(self) -> Whom:
        """Return who is meant. Asked of a valid form."""
        return whom_of(self.cleaned_data["whom"])


class RuleForm(forms.Form):
    """A rule about a tag."""

    tag = forms.CharField(label=_("Tag"), max_length=50, widget=TagsField().widget)
    effect = forms.ChoiceField(
        label=_("What it does"),
        choices=[(Effect.DENY, _("Closes the secrets with this tag to")), (Effect.ALLOW, _("Opens them to"))],
    )
    whom = forms.ChoiceField(label=_("Whom"))

    def __init__(self, *args: Any, people: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = [(f"role:{role.value}", role.value.replace("_", " ")) for role in MEMBER_ROLES]
        self.fields["whom"].choices = [(_("Roles"), roles), *people]  # type: ignore[attr-defined]

    def request(self) -> RuleRequest:
        """Return the rule. Asked of a valid form."""
        said = self.cleaned_data
        kind, _sep, name = said["whom"].partition(":")
        role = name if kind == "role" else ""
        return RuleRequest(said["tag"], said["effect"], Whom() if role else whom_of(said["whom"]), role)


def whom_of(choice: str) -> Whom:
    """Return who a choice such as ``team:<id>`` means."""
    kind, _sep, id_ = choice.partition(":")
    return Whom(team=id_) if kind == "team" else Whom(member=id_)
