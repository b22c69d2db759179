# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The API routes of agents: below /api/v1/, and the short door."""

from django.urls import path

from agents.api import doors, tools, views

urlpatterns = [
    path("flows/", views.FlowListView.as_view(), name="api-flows"),
    path("flows/validate/", views.ValidateFlowView.as_view(), name="api-flows-validate"),
    path("flows/<str:flow>/", views.FlowView.as_view(), name="api-flow"),
    path("flows/<str:flow>/publish/", views.PublishFlowView.as_view(), name="api-flow-publish"),
    path("runs/", views.RunListView.as_view(), name="api-runs"),
    path("runs/<str:run_id>/", views.RunView.as_view(), name="api-run"),
    path("runs/<str:run_id>/events", doors.run_events, name="api-run-events"),
    path("tools/", tools.ToolListView.as_view(), name="api-tools"),
]

short_doors = [path("agent/run", doors.agent_run, name="agent-run")]
