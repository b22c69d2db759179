# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Routes: listed, made, changed, and whom they lead to put in order."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from accounts.forms.blame import MENDABLE, blame
from llm.forms.routes import NewRouteForm, RouteForm
from llm.operations.routes import RouteEdit, change_route, create_route, delete_route, move_step
from llm.queries.flow_names import flows_naming
from llm.queries.routes import access_route, list_routes, may_change_route, steps_of
from llm.views.shell import ModelsPage


class RoutesPage(ModelsPage):
    """The routes that a person sees."""

    template_name = "llm/routes.html"
    tab = "routes"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them, each with whom it leads to."""
        found = list_routes(self.actor, cursor=request.GET.get("cursor"))
        return self.page(
            request,
            rows=[{"route": row, "steps": steps_of(row)} for row in found.rows],
            may_make=bool(self.places()),
            **self.page_links(request, found),
        )


class NewRoutePage(ModelsPage):
    """A route that is made."""

    template_name = "llm/route_new.html"
    tab = "routes"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form."""
        return self.page(request, form=self._form())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make it and show it. Raises NotAllowed."""
        form = self._form(request.POST)
        if form.is_valid():
            said = form.cleaned_data
            try:
                edit = form.edit(deployments=[said["deployments"]])
                row = create_route(self.actor, edit, project=said["project"] or None)
                return self.done(_("Flows can name %(name)s now.") % {"name": row.name}, to="route", route=row.pk)
            except MENDABLE as error:
                blame(form, error)
        return self.page(request, form=form, status=422)

    def _form(self, data: Any = None) -> NewRouteForm:
        places = self.places()
        # Whoever may make none is told so by the operation, not by an empty list.
        return NewRouteForm(data, places=places or [("", _("The organization's"))], deployments=self.deployments())


class RoutePage(ModelsPage):
    """A page of one route, named ``route`` in its route."""

    template_name = "llm/route.html"
    tab = "routes"

    @cached_property
    def route(self) -> Any:
        """The route it is about. Raises RouteNotFound, NotAllowed."""
        return access_route(self.actor, self.kwargs["route"], to_change=self.request.method == "POST")

    def show(
        self, request: HttpRequest, *, form: RouteForm | None = None, problem: str = "", status: int = 200
    ) -> HttpResponse:
        """Render the route."""
        steps = steps_of(self.route)
        there = {step.key for step in steps}
        return self.page(
            request,
            status=status,
            route=self.route,
            steps=steps,
            form=form or RouteForm.about(self.route),
            others=[choice for choice in self.deployments() if choice[0] not in there],
            may_change=may_change_route(self.actor, self.route),
            named_by=flows_naming(self.actor, self.route.name, project_id=self.route.project_id),
            problem=problem,
        )

    def back(self, text: str) -> HttpResponse:
        """Say what was done and show the route."""
        return self.done(text, to="route", route=self.route.pk)


class OneRoutePage(RoutePage):
    """One route: whom it leads to, and how."""

    def get(self, request: HttpRequest, route: str) -> HttpResponse:
        """Show it."""
        return self.show(request)

    def post(self, request: HttpRequest, route: str) -> HttpResponse:
        """Change what is said of it."""
        form = RouteForm.about(self.route, request.POST)
        if form.is_valid():
            try:
                change_route(self.actor, self.route.pk, form.edit())
                return self.back(_("Saved."))
            except MENDABLE as error:
                blame(form, error)
        return self.show(request, form=form, status=422)


class StepDeed(RoutePage):
    """Putting whom a route leads to in order: ``do`` is add, drop, earlier or later."""

    def post(self, request: HttpRequest, route: str) -> HttpResponse:
        """Do it; the route stays as it was where that cannot be."""
        deployment, deed = request.POST.get("deployment", ""), request.POST.get("do", "")
        order = [step.key for step in steps_of(self.route)]
        try:
            if deed in ("earlier", "later"):
                move_step(self.actor, self.route.pk, deployment, by=-1 if deed == "earlier" else 1)
            elif deed in ("add", "drop"):
                order = [each for each in order if each != deployment] + ([deployment] if deed == "add" else [])
                change_route(self.actor, self.route.pk, RouteEdit(deployments=order))
        except MENDABLE as error:
            return self.show(request, problem=error.message, status=422)
        return self.back(_("The order is changed."))


class DeleteRouteDeed(RoutePage):
    """Forgetting a route."""

    def post(self, request: HttpRequest, route: str) -> HttpResponse:
        """Forget it."""
        # Its page has listed the flows that name it.
        delete_route(self.actor, self.route.pk, is_forced=True)
        return self.done(_("The route is gone. Flows that name it are told so."), to="routes")
