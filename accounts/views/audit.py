# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The audit log: who did what, found by filters, and taken out as a file."""

import json

from django.core.serializers.json import DjangoJSONEncoder
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse

from accounts.api.audit import CONTENT_TYPES, audit_file
from accounts.errors import AuditEventNotFound
from accounts.forms.audit import AuditFilterForm
from accounts.operations.audit import export_audit_events
from accounts.queries.audit import access_audit_event, list_audit_events
from accounts.queries.seal_state import access_seal_state
from accounts.roles import Permission
from accounts.views.shell import SettingsPage
from codexos.kernel.ids import parse_id


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
        if form not in CONTENT_TYPES:
            raise Http404
        batches = export_audit_events(self.actor, filters=AuditFilterForm(request.GET).filters(), form=form)
        return audit_file(request, batches, form=form)
