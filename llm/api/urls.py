# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The API routes of llm, below /api/v1/."""

from django.urls import path

from llm.api.views import deployments, models, providers, routes

_PROVIDER = "model-providers/<str:provider>/"

urlpatterns = [
    path("models/", models.ModelList.as_view()),
    path("model-providers/", providers.ProviderList.as_view(), name="api-model-providers"),
    path(_PROVIDER, providers.ProviderDetail.as_view(), name="api-model-provider"),
    path(_PROVIDER + "test/", providers.ProviderTrial.as_view(), name="api-model-provider-test"),
    path("deployments/", deployments.DeploymentList.as_view(), name="api-deployments"),
    path("deployments/<str:deployment>/", deployments.DeploymentDetail.as_view(), name="api-deployment"),
    path("routes/", routes.RouteList.as_view(), name="api-routes"),
    path("routes/<str:route>/", routes.RouteDetail.as_view(), name="api-route"),
    path("model-rules/", routes.Rules.as_view(), name="api-model-rules"),
]
