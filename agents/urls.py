# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages of agents."""

from django.urls import path

from agents import views

urlpatterns = [
    path("", views.HomePage.as_view(), name="home"),
    path("flows/", views.FlowListPage.as_view(), name="flows"),
    path("runs/", views.RunListPage.as_view(), name="runs"),
    path("runs/new/", views.StartRunPage.as_view(), name="start-run"),
    path("runs/<str:run_id>/", views.RunPage.as_view(), name="run"),
]
