# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Policies in plain words."""

from collections.abc import Sequence
from typing import Any

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

register = template.Library()

# As agents/engine/policies/built_in.py says them.
_HOUSE_REASONS = {
    "Looking changes nothing.": gettext_lazy("Looking changes nothing."),
    "A person drew this very call into the flow.": gettext_lazy("A person drew this very call into the flow."),
    "a model chose which secret is opened": gettext_lazy("a model chose which secret is opened"),
    "a model chose to spend money": gettext_lazy("a model chose to spend money"),
    "a model chose to change something outside": gettext_lazy("a model chose to change something outside"),
    "a model chose to change code that other runs call as a tool": gettext_lazy(
        "a model chose to change code that other runs call as a tool"
    ),
    "It stays inside the run's own workspace, its sandbox and its project.": gettext_lazy(
        "It stays inside the run's own workspace, its sandbox and its project."
    ),
}
_MARKS = {"allow": "ok", "ask": "wait", "deny": "fail"}


@register.filter
def verdict_mark(verdict: str) -> str:
    """The status whose mark shows a verdict."""
    return _MARKS.get(verdict, "queue")


@register.filter
def verdict_word(verdict: str) -> str:
    """A verdict as people say it."""
    words = {"allow": _("Allow"), "ask": _("Ask"), "deny": _("Deny")}
    return words.get(verdict, verdict)


@register.filter
def conditions(rule: Any) -> list[str]:
    """Which calls a rule is about, as parts of a sentence; every call where there are none."""
    when, then = rule.when, rule.then
    parts = [
        _tools(when.tool),
        _capabilities(when.capability, then),
        _hosts(when.host, then),
        _chosen_by(when.chosen_by),
        _labels(when.label),
        _secrets(when.secret),
        _people(when.role),
        _of(when.project, _("in the project %(words)s")),
        _of(when.team, _("of the team %(words)s")),
        _costs(when),
    ]
    said = [part for part in parts if part]
    if not said:
        return [_("every call")]
    return said if when.tool is not None else [_("calls"), *said]


@register.filter
def reason_word(reason: str) -> str:
    """Why a rule is there; of the house's own in the reader's language."""
    return str(_HOUSE_REASONS.get(reason, reason))


@register.filter
def approval(approvers: Any) -> str:
    """Who is asked, in a sentence."""
    if approvers is None:
        return ""
    who = (
        _or([_role(each) for each in approvers.deciders]) if approvers.deciders else _("whoever may step into the run")
    )
    said = ngettext("%(who)s approves", "%(count)s of %(who)s approve", approvers.people)
    told = said % {"who": who, "count": approvers.people}
    if approvers.not_requester:
        told += ", " + _("not whoever started the run")
    if approvers.expires_seconds:
        told += ", " + _("within %(hours)s hours") % {"hours": f"{approvers.expires_seconds / 3600:g}"}
    return told


@register.filter
def capability_word(capability: str) -> str:
    """What a tool does, in words."""
    kind, _colon, what = capability.partition(":")
    if kind == "egress":
        return _("reach any host") if what in ("", "*") else _("reach %(host)s") % {"host": what}
    if kind == "secret":
        return _("use secrets") if what in ("", "*") else _("use the secret %(name)s") % {"name": what}
    words = {"read": _("read"), "write": _("write"), "exec": _("run code"), "spend": _("spend money")}
    return words.get(capability, _("do anything") if capability == "*" else capability)


def _tools(words: Sequence[str] | None) -> str:
    return "" if words is None else _("calls of %(words)s") % {"words": _or(words)}


def _capabilities(words: Sequence[str] | None, then: str) -> str:
    if words is None:
        return ""
    if not words:
        return _("that touch nothing")
    said = _or([capability_word(word) for word in words])
    if then == "allow":
        return _("that do nothing but %(words)s") % {"words": said}
    return _("that %(words)s") % {"words": said}


def _hosts(words: Sequence[str] | None, then: str) -> str:
    if words is None:
        return ""
    if not words:
        return _("that reach no host")
    if "*" in words:
        return _("that reach a host")
    said = _("that reach only %(words)s") if then == "allow" else _("that reach %(words)s")
    return said % {"words": _or(words)}


def _chosen_by(word: str | None) -> str:
    return {"model": _("chosen by a model"), "flow": _("drawn by the author of the flow")}.get(word or "", "")


def _labels(words: Sequence[str] | None) -> str:
    if words is None:
        return ""
    return (
        _("that text from %(words)s led to") % {"words": _or(words)} if words else _("that no text of strangers led to")
    )


def _secrets(words: Sequence[str] | None) -> str:
    if words is None:
        return ""
    return _("that want the secret %(words)s") % {"words": _or(words)} if words else _("that want no secret")


def _people(words: Sequence[str] | None) -> str:
    return "" if words is None else _("in runs of %(words)s") % {"words": _or([_role(word) for word in words])}


def _of(words: Sequence[str] | None, said: str) -> str:
    return "" if words is None else said % {"words": _or(words)}


def _costs(when: Any) -> str:
    if when.cost_above is not None:
        return _("that may cost more than $%(cost)s") % {"cost": f"{when.cost_above:g}"}
    if when.cost_at_most is not None:
        return _("that cost at most $%(cost)s") % {"cost": f"{when.cost_at_most:g}"}
    return ""


def _role(word: str) -> str:
    words = {
        "org_admin": _("organization admins"),
        "team_lead": _("team leads"),
        "developer": _("developers"),
        "viewer": _("viewers"),
        "system_admin": _("system admins"),
    }
    return words.get(word, word)


def _or(words: Sequence[str]) -> str:
    shown = list(words[:8]) + ([_("others")] if len(words) > 8 else [])
    return (
        shown[0] if len(shown) == 1 else _("%(some)s or %(last)s") % {"some": ", ".join(shown[:-1]), "last": shown[-1]}
    )
