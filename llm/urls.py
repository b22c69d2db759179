# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages about models."""

from django.urls import path

from llm.views import budgets, prices, providers, routes, usage

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
    path("models/prices/", prices.PricesPage.as_view(), name="model-prices"),
    path("models/prices/rules/", prices.CostRulesDeed.as_view(), name="cost-rules"),
    path("models/prices/purge/", prices.PurgeDeed.as_view(), name="purge-kept-answers"),
    path("models/prices/<str:price>/drop/", prices.DropPriceDeed.as_view(), name="drop-price"),
    path("models/budgets/", budgets.BudgetsPage.as_view(), name="model-budgets"),
    path("models/budgets/new/", budgets.NewBudgetPage.as_view(), name="new-budget"),
    path("models/budgets/<str:budget>/", budgets.OneBudgetPage.as_view(), name="budget"),
    path("models/budgets/<str:budget>/drop/", budgets.DropBudgetDeed.as_view(), name="drop-budget"),
    path("usage/", usage.UsagePage.as_view(), name="usage"),
]
