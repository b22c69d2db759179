# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages of flows."""

from django.http import HttpRequest, HttpResponse

from accounts.pages import OrganizationPage
from accounts.roles import Permission
from agents.queries.flows import list_flows


class FlowListPage(OrganizationPage):
    """The flows a person sees."""

    template_name = "agents/flows.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them, newest first."""
        flows = list_flows(self.actor, cursor=request.GET.get("cursor"), limit=50)
        may_run = self.actor.may_somewhere(Permission.RUN_FLOWS)
        return self.page(request, flows=flows, may_run=may_run, **self.page_links(request, flows))
