# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages of agents."""

from django.urls import path

from agents.views import flow, flows, home, runs, start

urlpatterns = [
    path("", home.HomePage.as_view(), name="home"),
    path("flows/", flows.FlowListPage.as_view(), name="flows"),
    path("flows/new/", flows.NewFlowPage.as_view(), name="new-flow"),
    path("flows/<str:flow>/", flow.FlowEditorPage.as_view(), name="flow"),
    path("flows/<str:flow>/publish/", flow.PublishFlowPage.as_view(), name="publish-flow"),
    path("flows/<str:flow>/versions/", flow.VersionsPage.as_view(), name="flow-versions"),
    path("flows/<str:flow>/versions/<str:number>/restore/", flow.RestoreVersionPage.as_view(), name="restore-version"),
    path("flows/<str:flow>/settings/", flow.FlowSettingsPage.as_view(), name="flow-settings"),
    path("flows/<str:flow>/archive/", flow.ArchiveFlowPage.as_view(), name="archive-flow"),
    path("flows/<str:flow>/unarchive/", flow.UnarchiveFlowPage.as_view(), name="unarchive-flow"),
    path("flows/<str:flow>/fork/", flow.ForkFlowPage.as_view(), name="fork-flow"),
    path("runs/", runs.RunListPage.as_view(), name="runs"),
    path("runs/new/", start.StartRunPage.as_view(), name="start-run"),
    path("runs/<str:run_id>/", runs.RunPage.as_view(), name="run"),
    path("runs/<str:run_id>/standing/", runs.RunStandingPart.as_view(), name="run-standing"),
    path("runs/<str:run_id>/step/", runs.RunStepPart.as_view(), name="run-step"),
    path("runs/<str:run_id>/cancel/", runs.CancelRunForm.as_view(), name="cancel-run"),
    path("runs/<str:run_id>/decide/", runs.DecideRunForm.as_view(), name="decide-run"),
]
