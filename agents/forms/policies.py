# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a person fills in to change a policy: its text, a rule, what frames the rules; and a call to try it on."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from agents.engine.errors import GraphInvalid
from agents.engine.policies.rego_text import MOST_REGO_CHARACTERS
from agents.engine.policies.texts import MOST_CHARACTERS, data_of
from codexos.kernel.errors import InvalidInput
from codexos.kernel.jsontypes import JsonObject, JsonValue

_TYPED = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none", "class": "mono"}
_MANY = _("Several are parted by commas; * stands for anything.")
_ROLES = [
    ("", _("Anybody")),
    ("org_admin", _("Organization admins")),
    ("team_lead", _("Team leads")),
    ("developer", _("Developers")),
    ("viewer", _("Viewers")),
]
THEN = [("allow", _("Allow")), ("ask", _("Ask people")), ("deny", _("Deny"))]
CHOSEN_BY = [("", _("Either")), ("model", _("A model")), ("flow", _("The author of the flow"))]
_LISTED = ("tool", "capability", "host", "label", "secret", "project")


def _words_field(label: Any, help_text: Any = "") -> forms.CharField:
    return forms.CharField(
        label=label, required=False, max_length=2_000, widget=forms.TextInput(attrs=_TYPED), help_text=help_text
    )


class PolicyTextForm(forms.Form):
    """The whole policy as text."""

    source = forms.CharField(
        label=_("The policy as text"),
        required=False,
        strip=False,
        max_length=MOST_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 16, "class": "mono", "spellcheck": "false", "wrap": "off"}),
    )


class RuleForm(forms.Form):
    """One rule. What stays empty asks nothing."""

    name = forms.CharField(label=_("Name"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    then = forms.ChoiceField(label=_("What becomes of such calls"), choices=THEN)
    tool = _words_field(_("Tools"), _MANY)
    capability = _words_field(
        _("What the call does"),
        _("read, write, exec, spend, egress:<host>, secret:<name>. To allow a call, name all that it does."),
    )
    host = _words_field(_("Hosts it reaches"), _("Such as api.example.com, *.example.org or git.example.com:8443."))
    label = _words_field(
        _("Text that led to it"), _("Such as tool:WebFetch, knowledge, webhook:* or memory. Empty asks nothing.")
    )
    chosen_by = forms.ChoiceField(label=_("Chosen by"), choices=CHOSEN_BY, required=False)
    secret = _words_field(_("Secrets it wants"))
    role = forms.ChoiceField(label=_("Whose run it is"), choices=_ROLES, required=False)
    project = _words_field(_("Projects"), _("Names or ids."))
    cost_above = forms.FloatField(label=_("Costs more than, in dollars"), min_value=0, required=False)
    reason = forms.CharField(
        label=_("Reason"), max_length=500, required=False, help_text=_("Shown to whoever is asked or refused.")
    )
    who = _words_field(_("Who approves"), _("Where people are asked: roles such as org_admin, or e-mail addresses."))
    people = forms.IntegerField(label=_("How many have to approve"), min_value=1, max_value=5, initial=1)
    not_requester = forms.BooleanField(label=_("Not whoever started the run"), required=False)
    expires_hours = forms.FloatField(label=_("Expires after, in hours"), min_value=0.02, max_value=720, required=False)
    takes_risk = forms.BooleanField(
        label=_("Take the risk of text from strangers"),
        required=False,
        help_text=_("Only to allow: such calls are not asked about though the text named above led to them."),
    )

    def rule(self) -> JsonObject:
        """Return the rule that was said. Asked of a valid form."""
        said = self.cleaned_data
        when: dict[str, JsonValue] = {name: split_words(said[name]) for name in _LISTED if said[name].strip()}
        when |= {name: said[name] for name in ("chosen_by", "role") if said[name]}
        if said["cost_above"] is not None:
            when["cost_above"] = said["cost_above"]
        rule: dict[str, JsonValue] = {
            "name": said["name"],
            "then": said["then"],
            "when": when,
            "reason": said["reason"],
        }
        if said["takes_risk"]:
            rule["takes_risk"] = True
        if approvers := self._approvers():
            rule["approvers"] = approvers
        return rule

    def _approvers(self) -> dict[str, JsonValue]:
        said, hours = self.cleaned_data, self.cleaned_data["expires_hours"]
        if said["then"] != "ask":
            return {}
        made: dict[str, JsonValue] = {"who": split_words(said["who"])} if said["who"].strip() else {}
        if said["people"] > 1:
            made["people"] = said["people"]
        if said["not_requester"]:
            made["not_requester"] = True
        return made if hours is None else {**made, "expires_seconds": round(hours * 3600)}

    def blame(self, error: InvalidInput) -> None:
        """Say what is wrong beside the field that it is about."""
        for problem in error.details.get("errors") or [{"place": "", "message": error.message}]:
            named = re.findall(r"[a-z_]+", str(problem["place"]).rpartition("rules")[2])
            place = next((each for each in reversed(named) if each in self.fields), None)
            self.add_error(place, problem["message"])


def initial_of_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the form shows of a rule there is."""
    when, approvers = rule.get("when", {}), rule.get("approvers", {})
    expires = approvers.get("expires_seconds")
    return {
        **{name: ", ".join(when.get(name, ())) for name in _LISTED},
        **{name: rule.get(name, "") for name in ("name", "then", "reason", "takes_risk")},
        "chosen_by": when.get("chosen_by", ""),
        "role": "".join(when.get("role", ())[:1]),
        "cost_above": when.get("cost_above"),
        "who": ", ".join(approvers.get("who", ())),
        "people": approvers.get("people", 1),
        "not_requester": approvers.get("not_requester", False),
        "expires_hours": None if expires is None else expires / 3600,
    }


def can_be_shown(rule: Mapping[str, Any]) -> bool:
    """Tell whether the form can say all that a rule says: some is for the text alone."""
    when = rule.get("when", {})
    has_empty = any(value in ([], ()) for value in when.values())
    return not has_empty and not {"team", "cost_at_most"} & set(when) and len(when.get("role", ())) < 2


class FrameForm(forms.Form):
    """What frames the rules: what becomes of other calls, which hosts may be reached, and Rego."""

    otherwise = forms.ChoiceField(
        label=_("Calls that no rule names"),
        choices=[("built_in", _("are decided by the rules of the house")), ("deny", _("are denied"))],
    )
    is_narrowed = forms.BooleanField(label=_("Only these hosts may be reached"), required=False)
    hosts = forms.CharField(
        label=_("Hosts"),
        required=False,
        max_length=8_000,
        widget=forms.Textarea(attrs={"rows": 4, "class": "mono", "spellcheck": "false"}),
        help_text=_("One a line: api.example.com, *.example.org for all under it, with :8443 after it for one port."),
    )
    mode = forms.ChoiceField(
        label=_("Rego"),
        choices=[("", _("None")), ("stricter", _("may only be stricter")), ("decides", _("decides"))],
        required=False,
    )
    source = forms.CharField(
        label=_("Rego text"),
        required=False,
        strip=False,
        max_length=MOST_REGO_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 10, "class": "mono", "spellcheck": "false", "wrap": "off"}),
        help_text=_("Package codexos with a rule decision, an object of verdict and reasons. Problems stand above."),
    )

    def frame(self) -> JsonObject:
        """Return what was said. Asked of a valid form."""
        said = self.cleaned_data
        rego = {"mode": said["mode"], "source": said["source"].replace("\r\n", "\n")} if said["mode"] else None
        hosts = {"hosts": split_words(said["hosts"])} if said["is_narrowed"] else None
        return {"otherwise": said["otherwise"], "egress": hosts, "rego": rego}

    def blame(self, error: InvalidInput) -> None:
        """Say what is wrong beside the field that it is about."""
        for problem in error.details.get("errors") or [{"place": "", "message": error.message}]:
            place = str(problem["place"])
            field = "hosts" if place.startswith("$.egress") else "source" if place.startswith("$.rego") else None
            self.add_error(field, problem["message"])


def initial_of_frame(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the form shows of a policy."""
    rego, egress = data.get("rego") or {}, data.get("egress")
    return {
        "otherwise": data.get("otherwise", "built_in"),
        "is_narrowed": egress is not None,
        "hosts": "\n".join((egress or {}).get("hosts", ())),
        "mode": rego.get("mode", ""),
        "source": rego.get("source", "package codexos\n\ndecision := input.rules\n"),
    }


class TryCallForm(forms.Form):
    """A call to try a policy on."""

    call = forms.CharField(
        label=_("A call, in YAML or JSON"),
        strip=False,
        max_length=50_000,
        widget=forms.Textarea(attrs={"rows": 9, "class": "mono", "spellcheck": "false"}),
        help_text=_("Keys: tool, arguments, capabilities, labels, chosen_by, secrets, cost_usd, role, project, team."),
        initial='tool: HTTPRequest\narguments: {url: "https://api.example.com/", method: POST}\nchosen_by: model\n'
        "labels: []\n",
    )

    def clean_call(self) -> JsonValue:
        """Read it."""
        try:
            return data_of(self.cleaned_data["call"])
        except GraphInvalid as error:
            raise forms.ValidationError(error.problems[0].message) from None


def split_words(text: str) -> Sequence[str]:
    """Part words by commas and ends of lines."""
    return [word for part in re.split(r"[,\n]", text) if (word := part.strip())]
