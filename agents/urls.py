# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages of agents."""

from django.urls import path

from agents.views import flows, runs

urlpatterns = [
    path("", runs.HomePage.as_view(), name="home"),
    path("flows/", flows.FlowListPage.as_view(), name="flows"),
    path("runs/", runs.RunListPage.as_view(), name="runs"),
    path("runs/new/", runs.StartRunPage.as_view(), name="start-run"),
    path("runs/<str:run_id>/", runs.RunPage.as_view(), name="run"),
]
