# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages of agents."""

from django.urls import path

from agents.views import (
    agent,
    approvals,
    flow,
    flows,
    home,
    memory,
    policies,
    runs,
    start,
    tool_sign_in,
    travel,
    triggers,
)

_TRIGGERS = "flows/<str:flow>/triggers/"
_TRIGGER = _TRIGGERS + "<str:trigger>/"
_POLICY = "settings/policy/history/<str:version>/"
_deed = triggers.TriggerDeedPage.as_view

urlpatterns = [
    path("", home.HomePage.as_view(), name="home"),
    path("flows/", flows.FlowListPage.as_view(), name="flows"),
    path("flows/new/", flows.NewFlowPage.as_view(), name="new-flow"),
    path("flows/<str:flow>/", flow.FlowEditorPage.as_view(), name="flow"),
    path("flows/<str:flow>/publish/", flow.PublishFlowPage.as_view(), name="publish-flow"),
    path("flows/<str:flow>/versions/", flow.VersionsPage.as_view(), name="flow-versions"),
    path("flows/<str:flow>/versions/<str:number>/restore/", flow.RestoreVersionPage.as_view(), name="restore-version"),
    path("flows/<str:flow>/settings/", flow.FlowSettingsPage.as_view(), name="flow-settings"),
    path("flows/<str:flow>/agent/", agent.AgentPage.as_view(), name="flow-agent"),
    path("flows/<str:flow>/archive/", flow.ArchiveFlowPage.as_view(), name="archive-flow"),
    path("flows/<str:flow>/unarchive/", flow.UnarchiveFlowPage.as_view(), name="unarchive-flow"),
    path("flows/<str:flow>/fork/", flow.ForkFlowPage.as_view(), name="fork-flow"),
    path(_TRIGGERS, triggers.TriggersPage.as_view(), name="flow-triggers"),
    path(_TRIGGERS + "new/", triggers.NewTriggerPage.as_view(), name="new-trigger"),
    path(_TRIGGER, triggers.TriggerPage.as_view(), name="trigger"),
    path(_TRIGGER + "fire/", _deed(deed="fire"), name="fire-trigger"),
    path(_TRIGGER + "pause/", _deed(deed="pause"), name="pause-trigger"),
    path(_TRIGGER + "resume/", _deed(deed="resume"), name="resume-trigger"),
    path(_TRIGGER + "rotate/", _deed(deed="rotate"), name="rotate-trigger"),
    path(_TRIGGER + "delete/", _deed(deed="delete"), name="delete-trigger"),
    path("runs/", runs.RunListPage.as_view(), name="runs"),
    path("runs/new/", start.StartRunPage.as_view(), name="start-run"),
    path("runs/<str:run_id>/", runs.RunPage.as_view(), name="run"),
    path("runs/<str:run_id>/standing/", runs.RunStandingPart.as_view(), name="run-standing"),
    path("runs/<str:run_id>/step/", runs.RunStepPart.as_view(), name="run-step"),
    path("runs/<str:run_id>/cancel/", runs.CancelRunForm.as_view(), name="cancel-run"),
    path("runs/<str:run_id>/retry/", travel.RetryRunForm.as_view(), name="retry-run"),
    path("runs/<str:run_id>/rerun/", travel.RerunRunForm.as_view(), name="rerun-run"),
    path("runs/<str:run_id>/fork/", travel.ForkRunForm.as_view(), name="fork-run"),
    path("runs/<str:run_id>/replay/", travel.ReplayRunForm.as_view(), name="replay-run"),
    path("runs/<str:run_id>/pause/", runs.PauseRunForm.as_view(), name="pause-run"),
    path("runs/<str:run_id>/resume/", runs.ResumeRunForm.as_view(), name="resume-run"),
    path("settings/policy/", policies.EffectivePolicyPage.as_view(), name="policy"),
    path("settings/policy/edit/", policies.EditPolicyPage.as_view(), name="edit-policy"),
    path("settings/policy/rules/<str:place>/", policies.RulePage.as_view(), name="policy-rule"),
    path("settings/policy/rules/<str:place>/<str:deed>/", policies.RuleDeedForm.as_view(), name="policy-rule-deed"),
    path("settings/policy/try/", policies.TryPolicyPage.as_view(), name="try-policy"),
    path("settings/policy/switch-on/", policies.SwitchOnPolicyForm.as_view(), name="switch-on-policy"),
    path("settings/policy/history/", policies.PolicyHistoryPage.as_view(), name="policy-history"),
    path(_POLICY + "restore/", policies.RestorePolicyForm.as_view(), name="restore-policy"),
    path("memory/", memory.MemoryPage.as_view(), name="memory"),
    path("memory/<str:memory>/", memory.MemoryEntryPage.as_view(), name="memory-entry"),
    path("memory/<str:memory>/accept/", memory.AcceptMemoryForm.as_view(), name="accept-memory"),
    path("memory/<str:memory>/forget/", memory.ForgetMemoryForm.as_view(), name="forget-memory"),
    path("tool-servers/signed-in/", tool_sign_in.ToolSignInPage.as_view(), name="tool-sign-in"),
    path("approvals/", approvals.ApprovalListPage.as_view(), name="approvals"),
    path("approvals/count/", approvals.ApprovalsCountPart.as_view(), name="approvals-count"),
    path("approvals/together/", approvals.AnswerAllForm.as_view(), name="answer-approvals"),
    path("approvals/<str:approval_id>/answer/", approvals.AnswerApprovalForm.as_view(), name="answer-approval"),
    path("runs/<str:run_id>/decide/", runs.DecideRunForm.as_view(), name="decide-run"),
]
