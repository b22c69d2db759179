# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages about models."""

from django.urls import path

from llm.views import providers, routes

_PROVIDER = "models/providers/<str:provider>/"
_ROUTE = "models/routes/<str:route>/"

urlpatterns = [
    path("models/", providers.ProvidersPage.as_view(), name="models"),
    path("models/providers/new/", providers.NewProviderPage.as_view(), name="new-model-provider"),
    path(_PROVIDER, providers.OneProviderPage.as_view(), name="model-provider"),
    path(_PROVIDER + "test/", providers.TrialDeed.as_view(), name="try-model-provider"),
    path(_PROVIDER + "deployments/", providers.AddDeploymentDeed.as_view(), name="add-deployment"),
    path(_PROVIDER + "delete/", providers.DeleteProviderDeed.as_view(), name="delete-model-provider"),
    path("models/deployments/<str:deployment>/", providers.OneDeploymentPage.as_view(), name="deployment"),
    path(
        "models/deployments/<str:deployment>/delete/",
        providers.DeleteDeploymentDeed.as_view(),
        name="delete-deployment",
    ),
    path("models/routes/", routes.RoutesPage.as_view(), name="routes"),
    path("models/routes/new/", routes.NewRoutePage.as_view(), name="new-route"),
    path(_ROUTE, routes.OneRoutePage.as_view(), name="route"),
    path(_ROUTE + "steps/", routes.StepDeed.as_view(), name="route-steps"),
    path(_ROUTE + "delete/", routes.DeleteRouteDeed.as_view(), name="delete-route"),
]
