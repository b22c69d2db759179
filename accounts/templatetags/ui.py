# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the ui/ partials need and the template language cannot say. Figures read as in frontend/src/core/measures.ts."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zlib import crc32

from django import template
from django.contrib.humanize.templatetags.humanize import NaturalTimeFormatter
from django.forms import BoundField
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _

from codexos.kernel.context import request_id

register = template.Library()

DASH = "–"
# What would be set as a zero although it cost something.
LEAST_COST = 0.00005
_MARKS = {
    "ok": ("ok", "succeeded", "done", "approved", "active", "verified", "indexed", "success", "published"),
    "run": ("run", "running", "started", "intended", "indexing", "info"),
    "wait": ("wait", "waiting", "retry", "pending", "warning", "draft"),
    "fail": ("fail", "failed", "rejected", "error", "danger"),
    "skip0": ("skip0", "skipped", "cancelled", "archived", "disabled"),
}
_MARK_OF = {status: mark for mark, statuses in _MARKS.items() for status in statuses}
_LAST_PART_MARK_OF = {"accepted": "queue", "decided": "ok", "finished": "ok"}
_WORDS = {
    "queued": _("Queued"),
    "running": _("Running"),
    "waiting": _("Waiting"),
    "succeeded": _("Succeeded"),
    "failed": _("Failed"),
    "cancelled": _("Cancelled"),
    "skipped": _("Skipped"),
    "pending": _("Pending"),
    "approved": _("Approved"),
    "rejected": _("Rejected"),
    "active": _("Active"),
    "draft": _("Draft"),
    "published": _("Published"),
}
_KIND_ICONS = {
    "entry": "log-in",
    "llm": "message-square-text",
    "tool": "wrench",
    "rag": "book-open-text",
    "vault": "vault",
    "condition": "split",
    "map": "layers",
    "loop": "repeat",
    "subflow": "workflow",
    "approval": "stamp",
    "reflection": "rotate-ccw",
    "agent": "message-square-text",
    "think": "message-square-text",
    "call": "wrench",
    "delegate": "workflow",
    "exit": "flag",
}
_FILE_ICONS = {
    "image": "file-image",
    "text": "file-text",
    "application/json": "file-code",
    "application/zip": "file-archive",
}
_ROUND_SECONDS = (
    *(0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
    *(1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 21600, 43200, 86400),
)
_THINNEST = 0.8
_WARN_FROM = 85


@register.filter
def mark(status: object) -> str:
    """The one of the six marks that shows this status; the class and the sprite's glyph share its name."""
    name = str(status or "").lower()
    last_part = name.rpartition(".")[2]
    return _MARK_OF.get(name) or _MARK_OF.get(last_part) or _LAST_PART_MARK_OF.get(last_part, "queue")


@register.filter
def word(status: object) -> str:
    """The status as a reader says it; one without a translation is shown as it is."""
    name = str(status or "queued")
    return str(_WORDS.get(name.lower(), name.replace("_", " ").capitalize()))


@register.filter
def presence(person: object) -> str:
    """One of the six presence colors, always the same for one person."""
    return f"p{crc32(str(getattr(person, 'pk', person)).encode()) % 6 + 1}"


@register.filter
def kind_icon(kind: object) -> str:
    """The sprite's icon for a node kind."""
    return _KIND_ICONS.get(str(kind), "square")


@register.filter
def file_icon(media_type: object) -> str:
    """The sprite's icon for a file's media type."""
    name = str(media_type or "")
    return _FILE_ICONS.get(name) or _FILE_ICONS.get(name.partition("/")[0], "file")


@register.filter
def control(field: BoundField, classes: str = "") -> SafeString:
    """A form field's own widget in our classes; Django adds aria-describedby and aria-invalid itself."""
    base = {"checkbox": "chk", "radioselect": "", "checkboxselectmultiple": ""}.get(field.widget_type, "in")
    kept = field.field.widget.attrs.get("class", "")
    joined = " ".join(part for part in (base, classes if base == "in" else "", kept) if part)
    attrs: dict[str, Any] = {"class": joined} if joined else {}
    if field.field.widget.attrs.get("placeholder") == field.label:
        attrs["placeholder"] = False  # a placeholder that repeats the label is noise for a screen reader
    return field.as_widget(attrs=attrs)


@register.filter
def duration(seconds: object) -> str:
    """40 ms, 6.8 s, 3 m 05 s, 2 h 01 m."""
    value = _number(seconds)
    if value is None:
        return DASH
    if value < 0.1:
        return f"{value * 1000:.0f} ms"
    if round(value, 1) < 60:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} m"


@register.filter
def cost(dollars: object) -> str:
    """$0.0224; a dash when unknown, never a zero that was not measured."""
    value = _number(dollars)
    if value is None:
        return DASH
    return "<$0.0001" if 0 < value < LEAST_COST else f"${value:,.4f}"


@register.filter
def count(number: object) -> str:
    """4,288; a dash when unknown."""
    value = _number(number)
    return DASH if value is None else f"{int(value):,}"


@register.filter
def clock(moment: object) -> str:
    """10:42:11 in the reader's zone."""
    at = _moment(moment)
    return timezone.localtime(at).strftime("%H:%M:%S") if at else ""


@register.filter
def ago(moment: object) -> str:
    """How long ago, in its largest unit: 2 days ago."""
    at = _moment(moment)
    if at is None:
        return ""
    words = NaturalTimeFormatter  # knows the cases that other languages decline the units in
    if timezone.now() - at < timedelta(minutes=1):
        return str(words.time_strings["now"])
    delta = timesince(at, depth=1, time_strings=words.past_substrings)
    return str(words.time_strings["past-day"] % {"delta": delta})


@register.filter
def milliseconds(moment: object) -> str:
    """The part of the second after the clock: .204."""
    at = _moment(moment)
    return f".{at.microsecond // 1000:03d}" if at else ""


@register.filter
def iso(moment: object) -> str:
    """The moment as the scripts read it."""
    at = _moment(moment)
    return at.isoformat() if at else ""


@register.simple_tag
def current_request_id() -> str:
    """The id under which the logs know this request."""
    return request_id.get()


@register.simple_tag
def meter_state(value: object, limit: object) -> dict[str, Any]:
    """How far a quota is used: `percent` for the bar, `is_near` from 85 % on."""
    top = _number(limit)
    percent = min(100.0, (_number(value) or 0.0) / top * 100) if top else 0.0
    return {"percent": f"{percent:.2f}", "is_near": percent >= _WARN_FROM}


@register.simple_tag
def timeline(run: Any) -> dict[str, Any]:
    """The rows of a run's timeline with their place on the axis, and the sums under the double rule."""
    nodes: Sequence[Any] = _get(run, "nodes") or ()
    now = datetime.now(UTC)
    spans = [_span(node, now) for node in nodes]
    started = [span for span in spans if span]
    origin = min((start for start, _seconds in started), default=now)
    ends = [(start - origin).total_seconds() + seconds for start, seconds in started]
    axis = _round_up(max(ends, default=1.0))
    return {
        "rows": [_row(node, span, origin, axis) for node, span in zip(nodes, spans, strict=True)],
        "axis": _axis_end(axis),
        "seconds": max(ends, default=None),
        "tokens": _total(nodes, "tokens"),
        "cost": _total(nodes, "cost"),
        "done": sum(1 for node in nodes if mark(_get(node, "state")) == "ok"),
    }


def _row(node: Any, span: tuple[datetime, float] | None, origin: datetime, axis: float) -> dict[str, Any]:
    row: dict[str, Any] = {"node": node, "mark": mark(_get(node, "state")), "x": "0", "width": "0"}
    if span:
        start, seconds = span
        row["x"] = f"{min((start - origin).total_seconds() / axis * 100, 100 - _THINNEST):.2f}%"
        row["width"] = f"{max(seconds / axis * 100, _THINNEST):.2f}%"
    return row


def _span(node: Any, now: datetime) -> tuple[datetime, float] | None:
    start = _moment(_get(node, "started_at"))
    if start is None:
        return None
    seconds = _number(_get(node, "duration_seconds"))
    return start, max(0.0, (now - start).total_seconds()) if seconds is None else seconds


def _axis_end(axis: float) -> str:
    if axis < 1:
        return f"{axis * 1000:.0f} ms"
    return f"{axis:.0f} s" if axis < 120 else duration(axis)


def _round_up(seconds: float) -> float:
    whole_days = -(-int(seconds) // 86400) * 86400
    return next((top for top in _ROUND_SECONDS if top >= seconds), whole_days)


def _total(nodes: Sequence[Any], name: str) -> Decimal | float | None:
    told = [value for value in (_get(node, name) for node in nodes) if _number(value) is not None]
    return sum(Decimal(str(value)) for value in told) if told else None


def _get(thing: Any, name: str) -> Any:
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)


def _number(value: object) -> float | None:
    if value is None or value == "":
        return None
    try:
        return float(Decimal(str(value)))
    except InvalidOperation:
        return None


def _moment(value: object) -> datetime | None:
    at = parse_datetime(value) if isinstance(value, str) else value
    if not isinstance(at, datetime):
        return None
    return at if timezone.is_aware(at) else at.replace(tzinfo=UTC)
