# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What agents keep between runs: a table by scope, and one entry to read, change, accept and have forgotten."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from accounts.forms.blame import MENDABLE, blame
from accounts.pages import OrganizationPage
from agents.forms.memory import SCOPES, MemoryForm
from agents.operations.memory import MemoryEdit, accept_memory, change_memory, forget_memory
from agents.queries.approvals import in_a_line
from agents.queries.inputs import as_typed, typed_or_text
from agents.queries.memory import (
    LONGEST_SEARCH,
    MemoryFilter,
    access_memory,
    count_quarantined,
    list_memory,
    may_change_memory,
)


class MemoryPage(OrganizationPage):
    """All entries, or some of them."""

    template_name = "agents/memory.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them, newest first; with what waits for a person counted."""
        asked = request.GET
        scope, waits = asked.get("scope", ""), asked.get("which") == "waiting"
        which = MemoryFilter(
            scope if scope in dict(SCOPES) else "",
            flow=asked.get("flow", "")[:63],
            search=asked.get("q", "").strip()[:LONGEST_SEARCH],
            quarantined=True if waits else None,
        )
        found = list_memory(self.actor, which=which, cursor=asked.get("cursor"))
        rows = [{"entry": row, "said": in_a_line(row.value), "scope": dict(SCOPES)[row.scope]} for row in found.rows]
        return self.page(
            request,
            rows=rows,
            which=which,
            waits=waits,
            scopes=SCOPES,
            is_filtered=bool(which.scope or which.search or which.flow),
            waiting=count_quarantined(self.actor),
            **self.page_links(request, found),
        )


class MemoryEntryPage(OrganizationPage):
    """One entry."""

    template_name = "agents/memory_entry.html"

    @cached_property
    def entry(self) -> Any:
        """The entry. Raises MemoryEntryNotFound."""
        return access_memory(self.actor, self.kwargs["memory"])

    def get(self, request: HttpRequest, memory: str) -> HttpResponse:
        """Show it, with a form for who may change it."""
        row = self.entry
        initial = {"value": as_typed(row.value), "label": row.label, "expires_at": row.expires_at}
        return self._show(request, MemoryForm(initial=initial), status=200)

    def post(self, request: HttpRequest, memory: str) -> HttpResponse:
        """Change it; what is refused is said beside its field."""
        form = MemoryForm(request.POST)
        if form.is_valid():
            said = form.cleaned_data
            edit = MemoryEdit((typed_or_text(said["value"]),), label=said["label"], expires_at=(said["expires_at"],))
            try:
                row = change_memory(self.actor, memory, edit=edit)
            except MENDABLE as error:
                blame(form, error)
            else:
                messages.success(request, _("%(key)s is changed.") % {"key": row.key})
                return redirect("memory-entry", memory=row.pk)
        return self._show(request, form, status=422)

    def _show(self, request: HttpRequest, form: MemoryForm, *, status: int) -> HttpResponse:
        may_change, scope = may_change_memory(self.actor, self.entry), dict(SCOPES)[self.entry.scope]
        return self.page(request, status=status, entry=self.entry, form=form, may_change=may_change, scope=scope)


class AcceptMemoryForm(OrganizationPage):
    """A yes to what waits."""

    def post(self, request: HttpRequest, memory: str) -> HttpResponse:
        """Let runs read it: as trusted, or as it came."""
        label = "untrusted" if request.POST.get("label") == "untrusted" else "trusted"
        row = accept_memory(self.actor, memory, label=label)
        messages.success(request, _("Runs can read %(key)s now.") % {"key": row.key})
        return redirect("memory-entry", memory=row.pk)


class ForgetMemoryForm(OrganizationPage):
    """An entry that goes."""

    def post(self, request: HttpRequest, memory: str) -> HttpResponse:
        """Have it forgotten for good."""
        key = access_memory(self.actor, memory).key
        forget_memory(self.actor, memory)
        messages.success(request, _("%(key)s is forgotten.") % {"key": key})
        return redirect("memory")
