# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Budgets: listed with what is spent of them, set up, changed and dropped."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from accounts.forms.blame import MENDABLE, blame
from accounts.queries.access import insist_in_organization
from accounts.queries.pages import LARGEST_PAGE
from accounts.queries.projects import list_projects
from accounts.roles import Permission
from llm.forms.costs import BudgetForm, NewBudgetForm
from llm.operations.budgets import change_budget, create_budget, drop_budget
from llm.queries.budgets import BudgetState, budget_state, list_budgets, list_people, list_teams_to_bound
from llm.queries.flow_names import list_flows_to_bound
from llm.views.shell import ModelsPage

MANAGE = Permission.MANAGE_ORGANIZATION


class BudgetsPage(ModelsPage):
    """The budgets that a person sees."""

    template_name = "llm/budgets.html"
    tab = "budgets"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them, each with its meter."""
        found = list_budgets(self.actor, cursor=request.GET.get("cursor"))
        return self.page(request, budgets=found.rows, **self.page_links(request, found))


class NewBudgetPage(ModelsPage):
    """A budget that is set up."""

    template_name = "llm/budget_new.html"
    tab = "budgets"
    for_admins = True

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form."""
        return self.page(request, form=self._form())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Set it up."""
        form = self._form(request.POST)
        if form.is_valid():
            try:
                create_budget(self.actor, form.request())
                return self.done(_("The budget holds from now on."), to="model-budgets")
            except MENDABLE as error:
                blame(form, error)
        return self.page(request, form=form, status=422)

    def _form(self, data: Any = None) -> NewBudgetForm:
        return NewBudgetForm(data, whom=self._whom())

    def _whom(self) -> list[tuple[str, Any]]:
        projects = list_projects(self.actor, limit=LARGEST_PAGE).rows
        groups = (
            (_("Teams"), "team", [(team.pk, team.name) for team in list_teams_to_bound(self.actor)]),
            (_("Projects"), "project", [(project.pk, project.name) for project in projects]),
            (_("Flows"), "flow", list_flows_to_bound(self.actor)),
            (_("People"), "person", list_people(self.actor)),
        )
        chosen = [(label, [(f"{kind}:{id_}", name) for id_, name in rows]) for label, kind, rows in groups if rows]
        return [("organization", _("Everybody's")), *chosen]


class OneBudgetPage(ModelsPage):
    """One budget, and the form to change it."""

    template_name = "llm/budget.html"
    tab = "budgets"

    @cached_property
    def state(self) -> BudgetState:
        """The budget it is about. Raises BudgetNotFound."""
        return budget_state(self.actor, self.kwargs["budget"])

    def get(self, request: HttpRequest, budget: str) -> HttpResponse:
        """Show it."""
        return self.page(request, state=self.state, form=BudgetForm.about(self.state.budget))

    def post(self, request: HttpRequest, budget: str) -> HttpResponse:
        """Change it. Raises BudgetNotFound, NotAllowed."""
        form = BudgetForm.about(self.state.budget, request.POST)
        insist_in_organization(self.actor, MANAGE)
        if form.is_valid():
            try:
                change_budget(self.actor, budget, changes=form.cleaned_data)
                return self.done(_("The budget is changed."), to="model-budgets")
            except MENDABLE as error:
                blame(form, error)
        return self.page(request, state=self.state, form=form, status=422)


class DropBudgetDeed(ModelsPage):
    """Dropping a budget."""

    def post(self, request: HttpRequest, budget: str) -> HttpResponse:
        """Drop it. Raises BudgetNotFound, NotAllowed."""
        drop_budget(self.actor, budget)
        return self.done(_("The budget is gone; it bounds nothing any more."), to="model-budgets")
