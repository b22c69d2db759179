# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Providers and their deployments: listed, connected, changed, tried."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from accounts.forms.blame import MENDABLE, blame
from llm.forms.providers import DeploymentForm, ProviderForm, RulesForm, label_of
from llm.operations.deployments import change_deployment, create_deployment, delete_deployment
from llm.operations.providers import change_provider, create_provider, delete_provider
from llm.operations.routes import change_rules
from llm.operations.trials import Trial, try_provider
from llm.queries.providers import access_deployment, access_provider, list_deployments, list_providers, may_see_keys
from llm.queries.routes import access_rules
from llm.views.shell import ModelsPage


class ProvidersPage(ModelsPage):
    """The organization's providers, and the rules for everything it asks."""

    template_name = "llm/providers.html"
    tab = "providers"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them."""
        return self._show(request, RulesForm.about(access_rules(self.actor)))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Change the rules. Raises NotAllowed."""
        form = RulesForm.about(access_rules(self.actor), request.POST)
        if form.is_valid():
            change_rules(self.actor, form.edit())
            return self.done(_("Saved."), to="models")
        return self._show(request, form, status=422)

    def _show(self, request: HttpRequest, form: RulesForm, *, status: int = 200) -> HttpResponse:
        found = list_providers(self.actor, cursor=request.GET.get("cursor"))
        deployments = list_deployments(self.actor, limit=200).rows
        rows = [
            {
                "provider": row,
                "kind_label": label_of(row.kind),
                "deployments": [each for each in deployments if each.provider_id == row.pk],
            }
            for row in found.rows
        ]
        return self.page(
            request,
            status=status,
            form=form,
            rows=rows,
            shows_keys=may_see_keys(self.actor),
            **self.page_links(request, found),
        )


class NewProviderPage(ModelsPage):
    """A provider that is connected."""

    template_name = "llm/provider_new.html"
    tab = "providers"
    for_admins = True

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form."""
        return self.page(request, form=ProviderForm(keys=self.keys()))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Connect, and show it; what cannot be is said beside its field."""
        form = ProviderForm(request.POST, keys=self.keys())
        if form.is_valid():
            try:
                row = create_provider(self.actor, form.edit())
                return self.done(_("Connected. Add a model, then try it."), to="model-provider", provider=row.pk)
            except MENDABLE as error:
                blame(form, error)
        return self.page(request, form=form, status=422)


class ProviderPage(ModelsPage):
    """A page of one provider, named ``provider`` in its route."""

    template_name = "llm/provider.html"
    tab = "providers"

    @cached_property
    def provider(self) -> Any:
        """The provider it is about. Raises ProviderNotFound."""
        return access_provider(self.actor, self.kwargs["provider"], to_change=self.request.method == "POST")

    def show(
        self,
        request: HttpRequest,
        *,
        form: ProviderForm | None = None,
        deployment_form: DeploymentForm | None = None,
        trial: Trial | None = None,
        problem: str = "",
        status: int = 200,
    ) -> HttpResponse:
        """Render the provider with what came of the last deed."""
        return self.page(
            request,
            status=status,
            provider=self.provider,
            kind_label=label_of(self.provider.kind),
            form=form or ProviderForm.about(self.provider, keys=self.keys()),
            deployment_form=deployment_form or DeploymentForm(auto_id="id_new_%s"),
            deployments=list_deployments(self.actor, provider=self.provider, limit=200).rows,
            shows_keys=may_see_keys(self.actor),
            trial=trial,
            problem=problem,
        )


class OneProviderPage(ProviderPage):
    """One provider: what is said of it, its models, a trial."""

    def get(self, request: HttpRequest, provider: str) -> HttpResponse:
        """Show it."""
        return self.show(request)

    def post(self, request: HttpRequest, provider: str) -> HttpResponse:
        """Change what is said of it."""
        form = ProviderForm.about(self.provider, request.POST, keys=self.keys())
        if form.is_valid():
            try:
                change_provider(self.actor, self.provider.pk, form.edit())
                return self.done(_("Saved."), to="model-provider", provider=self.provider.pk)
            except MENDABLE as error:
                blame(form, error)
        return self.show(request, form=form, status=422)


class TrialDeed(ProviderPage):
    """Trying a provider: what came back is shown on its page."""

    def post(self, request: HttpRequest, provider: str) -> HttpResponse:
        """Ask one tiny question."""
        try:
            trial = try_provider(self.actor, self.provider.pk, model=request.POST.get("model", "").strip()[:200])
        except MENDABLE as error:
            return self.show(request, problem=error.message, status=422)
        return self.show(request, trial=trial)


class AddDeploymentDeed(ProviderPage):
    """Offering another model of a provider."""

    def post(self, request: HttpRequest, provider: str) -> HttpResponse:
        """Offer it; what cannot be is said beside its field."""
        form = DeploymentForm(request.POST, auto_id="id_new_%s")
        if form.is_valid():
            try:
                row = create_deployment(self.actor, form.edit(provider=str(self.provider.pk)))
                text = _("Flows can name %(name)s now.") % {"name": row.name}
                return self.done(text, to="model-provider", provider=self.provider.pk)
            except MENDABLE as error:
                blame(form, error)
        return self.show(request, deployment_form=form, status=422)


class DeleteProviderDeed(ProviderPage):
    """Forgetting a provider."""

    def post(self, request: HttpRequest, provider: str) -> HttpResponse:
        """Forget it, where nothing stands at it."""
        try:
            delete_provider(self.actor, self.provider.pk)
        except MENDABLE as error:
            return self.show(request, problem=error.message, status=409)
        return self.done(_("It is forgotten. Its key is still in the vault."), to="models")


class DeploymentPage(ModelsPage):
    """A page of one deployment, named ``deployment`` in its route. Who may not change it reads it."""

    template_name = "llm/deployment.html"
    tab = "providers"

    @cached_property
    def deployment(self) -> Any:
        """The deployment it is about. Raises DeploymentNotFound."""
        return access_deployment(self.actor, self.kwargs["deployment"], to_change=self.request.method == "POST")

    def show(self, request: HttpRequest, form: DeploymentForm, *, problem: str = "", status: int = 200) -> HttpResponse:
        """Render the form."""
        return self.page(request, status=status, deployment=self.deployment, form=form, problem=problem)


class OneDeploymentPage(DeploymentPage):
    """One deployment, with the form about it."""

    def get(self, request: HttpRequest, deployment: str) -> HttpResponse:
        """Show the form."""
        return self.show(request, DeploymentForm.about(self.deployment))

    def post(self, request: HttpRequest, deployment: str) -> HttpResponse:
        """Change what is said of it."""
        form = DeploymentForm.about(self.deployment, request.POST)
        if form.is_valid():
            try:
                change_deployment(self.actor, self.deployment.pk, form.edit())
                return self.done(_("Saved."), to="model-provider", provider=self.deployment.provider_id)
            except MENDABLE as error:
                blame(form, error)
        return self.show(request, form, status=422)


class DeleteDeploymentDeed(DeploymentPage):
    """Offering a model no longer."""

    def post(self, request: HttpRequest, deployment: str) -> HttpResponse:
        """Take it away, where no route leads to it."""
        provider_id = self.deployment.provider_id
        try:
            delete_deployment(self.actor, self.deployment.pk)
        except MENDABLE as error:
            return self.show(request, DeploymentForm.about(self.deployment), problem=error.message, status=409)
        return self.done(_("Flows cannot name it any more."), to="model-provider", provider=provider_id)
