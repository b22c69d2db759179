# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The API routes of llm, below /api/v1/."""

from django.urls import path

from llm.api.views import budgets, deployments, embeddings, models, prices, providers, routes, usage

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
    path("embeddings/", embeddings.Embeddings.as_view(), name="api-embeddings"),
    path("model-rules/", routes.Rules.as_view(), name="api-model-rules"),
    path("budgets/", budgets.BudgetList.as_view(), name="api-budgets"),
    path("budgets/<str:budget>/", budgets.BudgetDetail.as_view(), name="api-budget"),
    path("prices/", prices.PriceList.as_view(), name="api-prices"),
    path("prices/<str:price>/", prices.PriceDetail.as_view(), name="api-price"),
    path("cost-rules/", prices.CostRules.as_view(), name="api-cost-rules"),
    path("kept-answers/", prices.KeptAnswers.as_view(), name="api-kept-answers"),
    path("usage/groups/", usage.UsageGroups.as_view(), name="api-usage-groups"),
    path("usage/series/", usage.UsageSeries.as_view(), name="api-usage-series"),
    path("usage/calls/", usage.UsageCalls.as_view(), name="api-usage-calls"),
    path("usage/report/", usage.UsageReport.as_view(), name="api-usage-report"),
]
