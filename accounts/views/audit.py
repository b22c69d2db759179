# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The audit log: who did what, found by filters, and taken out as a file."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse

from accounts.errors import AuditEventNotFound
from accounts.forms.audit import AuditFilterForm
from accounts.operations.audit import export_audit_events
from accounts.queries.audit import access_audit_event, list_audit_events
from accounts.queries.seal_state import access_seal_state
from accounts.roles import Permission
from accounts.views.shell import SettingsPage
from codexos.kernel.ids import parse_id

_COLUMNS = (
    "id",
    "created_at",
    "actor_kind",
    "actor_id",
    "actor_label",
    "token_id",
    "break_glass_id",
    "action",
    "about_kind",
    "about_id",
    "about_label",
    "details",
    "request_id",
    "address",
)
# What a spreadsheet would take for a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class AuditPage(SettingsPage):
    """The trail, newest first."""

    template_name = "accounts/audit.html"
    tab = "audit"
    needs = Permission.VIEW_AUDIT

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show what the filters keep."""
        form = AuditFilterForm(request.GET)
        filters = form.filters()
        events = list_audit_events(self.actor, filters=filters, cursor=request.GET.get("cursor"))
        kept = request.GET.copy()
        kept.pop("cursor", None)
        return self.page(
            request,
            events=events.rows,
            form=form,
            is_filtered=bool(filters.as_words()),
            query=kept.urlencode(),
            seals=access_seal_state(self.actor),
            **self.page_links(request, events),
        )


class AuditEventPage(SettingsPage):
    """One event with everything it says."""

    template_name = "accounts/audit_event.html"
    tab = "audit"
    needs = Permission.VIEW_AUDIT

    def get(self, request: HttpRequest, *, event: str) -> HttpResponse:
        """Show it."""
        id_ = parse_id(event)
        if id_ is None:
            raise AuditEventNotFound("No audit event has such an id.")
        row = access_audit_event(self.actor, id_)
        details = json.dumps(row.details, indent=2, ensure_ascii=False, cls=DjangoJSONEncoder)
        return self.page(request, event=row, details=details if row.details else "")


class AuditExport(SettingsPage):
    """The trail as a file, sent as it is read."""

    tab = "audit"
    needs = Permission.VIEW_AUDIT

    def get(self, request: HttpRequest, *, form: str) -> StreamingHttpResponse:
        """Send what the filters keep."""
        if form not in _WRITERS:
            raise Http404
        write, media_type = _WRITERS[form]
        batches = export_audit_events(self.actor, filters=AuditFilterForm(request.GET).filters(), form=form)
        return StreamingHttpResponse(
            write(batches),
            content_type=media_type,
            headers={"Content-Disposition": f'attachment; filename="audit.{form}"', "Cache-Control": "no-store"},
        )


def _as_csv(batches: Iterable[list[Any]]) -> Iterator[str]:
    yield _csv_lines([_COLUMNS])
    for batch in batches:
        yield _csv_lines([_disarmed(value) for value in _told(event).values()] for event in batch)


def _csv_lines(rows: Iterable[Iterable[str]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()


def _as_json_lines(batches: Iterable[list[Any]]) -> Iterator[str]:
    for batch in batches:
        yield "".join(json.dumps(_told(event), cls=DjangoJSONEncoder, ensure_ascii=False) + "\n" for event in batch)


def _told(event: Any) -> dict[str, Any]:
    return {column: getattr(event, column) for column in _COLUMNS}


def _disarmed(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str("" if value is None else value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


_WRITERS: dict[str, tuple[Callable[[Iterable[list[Any]]], Iterator[str]], str]] = {
    "csv": (_as_csv, "text/csv; charset=utf-8"),
    "jsonl": (_as_json_lines, "application/jsonl; charset=utf-8"),
}
