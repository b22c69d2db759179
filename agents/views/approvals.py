# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The page of what waits for people."""

from django.http import HttpRequest, HttpResponse

from accounts.pages import OrganizationPage
from agents.queries.approvals import list_approvals


class ApprovalListPage(OrganizationPage):
    """What runs ask people, oldest run first."""

    template_name = "agents/approvals.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show what one may answer oneself, or everything one sees."""
        which = "all" if request.GET.get("which") == "all" else "mine"
        found = list_approvals(self.actor, mine_only=which == "mine", cursor=request.GET.get("cursor"))
        return self.page(request, approvals=found.rows, which=which, **self.page_links(request, found))
