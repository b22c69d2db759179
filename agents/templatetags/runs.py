# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the pages of runs need and the template language cannot say."""

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from accounts.queries.access import id_in

register = template.Library()

LONGEST_SHOWN = 20_000
"""How much of a value a page shows; all of it is a download away."""

_REASONS = {
    "not_reached": _("No way led to it"),
    "not_needed": _("Not needed any more"),
    "cancelled": _("The run was cancelled"),
    "failed": _("Another step failed"),
    "ended": _("The run ended before it"),
}
_DECISIONS = {
    "approve": _("approved"),
    "approve_for_run": _("approved for this run"),
    "reject": _("rejected"),
    "timeout": _("the time was up"),
    "again": _("do it again"),
    "done": _("it is done"),
    "fail": _("give it up"),
}
_ROLES = {
    "system_admin": _("system admins"),
    "org_admin": _("organization admins"),
    "team_lead": _("team leads"),
    "developer": _("developers"),
    "viewer": _("viewers"),
}
_ERRORS = {
    "model_rate_limited": _("asked too often"),
    "model_limit_reached": _("asked too often"),
    "model_overloaded": _("overloaded"),
    "model_timed_out": _("took too long"),
    "model_unreachable": _("out of reach"),
    "model_unavailable": _("out of order"),
    "model_resting": _("left alone after failures"),
    "model_key_refused": _("key refused"),
    "model_quota_spent": _("quota spent"),
    "model_unknown": _("model unknown"),
    "model_input_too_long": _("too much to read"),
    "model_request_refused": _("would not answer"),
    "model_answer_invalid": _("no answer of a model"),
    "outrun": _("outrun by the next"),
}
_MARKS = {"+": "add", "-": "del", " ": ""}
_LABELS = {"knowledge": _("files and knowledge of the project"), "memory": _("memory")}
_CAPABILITIES = {
    "read": _("reads"),
    "write": _("changes something"),
    "exec": _("runs code"),
    "spend": _("spends money"),
}
_TOKEN = re.compile(r'(?P<string>"(?:[^"\\]|\\.)*")(?P<colon>\s*:)?|(?P<number>-?\d[\d.eE+-]*)|true|false|null')


@register.filter
def why_skipped(reason: object) -> str:
    """Why a step was left out, in a few words."""
    return str(_REASONS.get(str(reason), "")) or str(reason)


@register.filter
def error_words(code: object) -> str:
    """What went wrong with one of several models, in a few words."""
    return str(_ERRORS.get(str(code), code))


@register.filter
def decision_words(decision: object) -> str:
    """A decision as people say it."""
    return str(_DECISIONS.get(str(decision), decision))


@register.filter
def deciders(named: Iterable[str]) -> str:
    """Who decides, by role or address, as people say it."""
    return ", ".join(str(_ROLES.get(each, each)) for each in named)


@register.filter
def lanes_words(node: Any) -> str:
    """How far a node has come that does a body in lanes: of a loop its round, else how many are done."""
    begun = getattr(node, "begun", 0)
    if not begun or node.kind in {"subflow", "delegate"}:
        return ""
    if node.count is not None:
        return str(_("%(ended)s of %(count)s") % {"ended": node.ended, "count": node.count})
    return str(_("round %(number)s") % {"number": begun})


@register.inclusion_tag("agents/value.html")
def value(thing: Any, label: str, download: str = "") -> dict[str, Any]:
    """Show a text as prose and everything else as JSON, as much of it as a page bears."""
    is_text = isinstance(thing, str)
    written = thing if is_text else json.dumps(thing, indent=2, ensure_ascii=False, default=dict)
    return {
        "is_text": is_text,
        "shown": written[:LONGEST_SHOWN] if is_text else _colored(written[:LONGEST_SHOWN]),
        "cut": len(written) if len(written) > LONGEST_SHOWN else 0,
        "most": LONGEST_SHOWN,
        "label": label,
        "download": download,
    }


@register.filter
def place(citation: Any) -> str:
    """Where in its file a citation stands: lines, or the page of a PDF."""
    if not isinstance(citation, Mapping):
        return ""
    if page := citation.get("page"):
        return str(_("page %(page)s") % {"page": page})
    lines = str(citation.get("lines") or "")
    if not lines:
        return ""
    said = _("lines %(lines)s") if "-" in lines else _("line %(lines)s")
    return str(said % {"lines": lines.replace("-", "–")})


@register.simple_tag
def cited_file(project: Any, citation: Any) -> str:
    """The page that a citation names: its place in a document of knowledge, or a file; nothing where it names none."""
    if not isinstance(citation, Mapping):
        return ""
    if document := id_in(str(citation.get("document_id") or "")):
        return f"{_address('document', document)}?at={quote(_spot(citation))}#at"
    path = citation.get("path")
    if not isinstance(path, str) or not path:
        return ""
    page = citation.get("page")
    return _address("file", project.slug, path) + (f"#page={page}" if page else "")


def _spot(citation: Mapping[str, Any]) -> str:
    if chunk := id_in(str(citation.get("chunk_id") or "")):
        return str(chunk)
    return f"p{citation['page']}" if citation.get("page") else str(citation.get("lines") or "")


@register.simple_tag
def flow_page(flow_id: Any) -> str:
    """The page of a flow; nothing where there is none."""
    return _address("flow", flow_id) if flow_id else ""


def _address(name: str, *arguments: Any) -> str:
    try:
        return reverse(name, args=arguments)
    except NoReverseMatch:
        return ""


def _colored(written: str) -> SafeString:
    made, end = [], 0
    for found in _TOKEN.finditer(written):
        made += [escape(written[end : found.start()]), _colored_token(found)]
        end = found.end()
    return mark_safe("".join([*made, escape(written[end:])]))  # noqa: S308 - every piece is escaped


def _colored_token(found: "re.Match[str]") -> str:
    string, colon = found["string"], found["colon"]
    if string is None:
        return f'<span class="n">{escape(found[0])}</span>'
    return f'<span class="{"k" if colon else "s"}">{escape(string)}</span>{colon or ""}'


@register.filter
def label_words(label: object) -> str:
    """Where text of strangers came from, as people say it."""
    kind, _mark, name = str(label).partition(":")
    match kind:
        case "tool":
            return str(_("what %(name)s gave") % {"name": name})
        case "webhook":
            return str(_("the webhook “%(name)s”") % {"name": name})
    return str(_LABELS.get(str(label), label))


@register.filter
def capability_words(capability: object) -> str:
    """What a call touches, as people say it."""
    kind, _mark, name = str(capability).partition(":")
    if kind == "egress":
        return str(_("reaches %(host)s") % {"host": _("a host that is not known yet") if name == "*" else name})
    if kind == "secret":
        return str(_("uses the secret %(name)s") % {"name": name})
    return str(_CAPABILITIES.get(str(capability), capability))


@register.filter
def as_json(thing: Any) -> str:
    """A value as it is edited."""
    return json.dumps(thing, indent=2, ensure_ascii=False, default=dict)


@register.inclusion_tag("agents/diff_lines.html")
def json_diff(was: Any, now: Any, label: str) -> dict[str, Any]:
    """Show how a value was changed, line by line."""
    lines = difflib.ndiff(as_json(was).splitlines(), as_json(now).splitlines())
    return {"label": label, "lines": [(_MARKS[line[0]], line[0], line[2:]) for line in lines if line[0] != "?"]}


@register.inclusion_tag("agents/diff_lines.html")
def shown_diff(text: str, label: str) -> dict[str, Any]:
    """Show a text that may be a diff: what is added, what goes, and where."""
    lines = [("hunk" if line.startswith("@@") else _MARKS.get(line[:1], ""), "", line) for line in text.splitlines()]
    return {"label": label, "lines": lines}


@register.filter
def of(known: Mapping[Any, Any] | None, key: object) -> Any:
    """What a mapping says of a key; nothing where it says nothing."""
    return known.get(key) if isinstance(known, Mapping) else None
