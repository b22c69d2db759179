# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The base of every page of the house: a signed-in person acting for one organization."""

from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.generic import View

from accounts.actor import Actor
from accounts.queries.pages import Page
from accounts.tenancy import tenant
from codexos.kernel.errors import NotSignedIn


class OrganizationPage(LoginRequiredMixin, View):
    """A page that translates one request of one Actor and renders ``template_name``."""

    template_name: str

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Look at a page in one transaction; a deed keeps its own, for its news go out with its commit."""
        actor: Actor | None = request.actor  # type: ignore[attr-defined]
        if request.method not in {"GET", "HEAD"} or not actor:
            return super().dispatch(request, *args, **kwargs)
        with tenant(actor.organization_id):
            return super().dispatch(request, *args, **kwargs)

    @property
    def actor(self) -> Actor:
        """Who asks. Raises NotSignedIn."""
        actor: Actor | None = self.request.actor  # type: ignore[attr-defined]
        if not actor:
            raise NotSignedIn("Sign in again: your membership has changed.")
        return actor

    def page(self, request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
        """Render the page with what the view found."""
        return render(request, self.template_name, context, status=status)

    def page_links(self, request: HttpRequest, page: Page[Any]) -> dict[str, Any]:
        """Return what ui/pagination.html shows: the same list, one page on or back."""
        return {
            "next_url": _turned(request, page.next_cursor),
            "previous_url": _turned(request, page.previous_cursor),
        }


def _turned(request: HttpRequest, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    query = request.GET.copy()
    query["cursor"] = cursor
    return f"?{query.urlencode()}"
