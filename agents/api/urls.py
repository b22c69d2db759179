# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The API routes of agents: below /api/v1/, and the short door."""

from django.urls import path

from agents.api import doors
from agents.api.views import (
    flows,
    interventions,
    mcp,
    memory,
    policies,
    runs,
    states,
    tickets,
    tool_servers,
    tools,
    travel,
    triggers,
    versions,
)

_FLOW = "flows/<str:flow>/"
_POLICY = "policies/versions/<str:version>/"
_SERVER = "tool-servers/<str:server>/"

urlpatterns = [
    path("flows/", flows.FlowListView.as_view(), name="api-flows"),
    path("flows/validate/", flows.ValidateFlowView.as_view(), name="api-flows-validate"),
    path("flows/convert/", flows.ConvertFlowView.as_view(), name="api-flows-convert"),
    path(_FLOW, flows.FlowView.as_view(), name="api-flow"),
    path(_FLOW + "estimate/", flows.EstimateFlowView.as_view(), name="api-flow-estimate"),
    path(_FLOW + "archive/", flows.ArchiveFlowView.as_view(), name="api-flow-archive"),
    path(_FLOW + "unarchive/", flows.UnarchiveFlowView.as_view(), name="api-flow-unarchive"),
    path(_FLOW + "fork/", flows.ForkFlowView.as_view(), name="api-flow-fork"),
    path(_FLOW + "export/", flows.ExportFlowView.as_view(), name="api-flow-export"),
    path(_FLOW + "publish/", versions.PublishFlowView.as_view(), name="api-flow-publish"),
    path(_FLOW + "versions/", versions.VersionListView.as_view(), name="api-flow-versions"),
    path(_FLOW + "versions/<str:number>/", versions.VersionView.as_view(), name="api-flow-version"),
    path(_FLOW + "versions/<str:number>/diff/", versions.VersionDiffView.as_view(), name="api-flow-diff"),
    path(_FLOW + "versions/<str:number>/restore/", versions.RestoreVersionView.as_view(), name="api-flow-restore"),
    path(_FLOW + "revisions/", versions.RevisionListView.as_view(), name="api-flow-revisions"),
    path(_FLOW + "revisions/<str:number>/", versions.RevisionView.as_view(), name="api-flow-revision"),
    path("runs/", runs.RunListView.as_view(), name="api-runs"),
    path("runs/<str:run_id>/", runs.RunView.as_view(), name="api-run"),
    path("runs/<str:run_id>/ticket/", tickets.RunTicketView.as_view(), name="api-run-ticket"),
    path("runs/<str:run_id>/cancel/", interventions.CancelRunView.as_view(), name="api-run-cancel"),
    path("runs/<str:run_id>/decide/", interventions.DecideStepView.as_view(), name="api-run-decide"),
    path("runs/<str:run_id>/retry/", travel.RetryRunView.as_view(), name="api-run-retry"),
    path("runs/<str:run_id>/rerun/", travel.RerunView.as_view(), name="api-run-rerun"),
    path("runs/<str:run_id>/fork/", travel.ForkRunView.as_view(), name="api-run-fork"),
    path("runs/<str:run_id>/try-draft/", travel.TryDraftView.as_view(), name="api-run-try-draft"),
    path("runs/<str:run_id>/replay/", travel.ReplayRunView.as_view(), name="api-run-replay"),
    path("runs/<str:run_id>/pause/", interventions.PauseRunView.as_view(), name="api-run-pause"),
    path("runs/<str:run_id>/resume/", interventions.ResumeRunView.as_view(), name="api-run-resume"),
    path("runs/<str:run_id>/steps/", states.StepListView.as_view(), name="api-run-steps"),
    path("runs/<str:run_id>/steps/<path:key>/", states.StepView.as_view(), name="api-run-step"),
    path("runs/<str:run_id>/state/", states.StateView.as_view(), name="api-run-state"),
    path("approvals/", interventions.ApprovalListView.as_view(), name="api-approvals"),
    path("runs/<str:run_id>/events", doors.run_events, name="api-run-events"),
    path("triggers/", triggers.TriggerListView.as_view(), name="api-triggers"),
    path("triggers/<str:trigger>/", triggers.TriggerView.as_view(), name="api-trigger"),
    path("triggers/<str:trigger>/fire/", triggers.FireTriggerView.as_view(), name="api-trigger-fire"),
    path("triggers/<str:trigger>/rotate/", triggers.RotateTriggerView.as_view(), name="api-trigger-rotate"),
    path("triggers/<str:trigger>/firings/", triggers.FiringListView.as_view(), name="api-trigger-firings"),
    path("policies/", policies.PolicyView.as_view(), name="api-policies"),
    path("policies/draft/", policies.PolicyDraftView.as_view(), name="api-policy-draft"),
    path("policies/try/", policies.TryPolicyView.as_view(), name="api-policy-try"),
    path("policies/try-call/", policies.TryCallView.as_view(), name="api-policy-try-call"),
    path("policies/switch-on/", policies.SwitchOnPolicyView.as_view(), name="api-policy-switch-on"),
    path("policies/versions/", policies.PolicyVersionListView.as_view(), name="api-policy-versions"),
    path(_POLICY, policies.PolicyVersionView.as_view(), name="api-policy-version"),
    path(_POLICY + "diff/", policies.PolicyDiffView.as_view(), name="api-policy-diff"),
    path(_POLICY + "restore/", policies.RestorePolicyView.as_view(), name="api-policy-restore"),
    path("memory/", memory.MemoryListView.as_view(), name="api-memory"),
    path("memory/<str:memory>/", memory.MemoryEntryView.as_view(), name="api-memory-entry"),
    path("memory/<str:memory>/accept/", memory.AcceptMemoryView.as_view(), name="api-memory-accept"),
    path("tools/", tools.ToolListView.as_view(), name="api-tools"),
    path(_SERVER + "sign-in/", tool_servers.SignInToToolServerView.as_view(), name="api-tool-server-sign-in"),
    path("tool-servers/", tool_servers.ToolServerListView.as_view(), name="api-tool-servers"),
    path(_SERVER, tool_servers.ToolServerView.as_view(), name="api-tool-server"),
    path(_SERVER + "refresh/", tool_servers.RefreshToolServerView.as_view(), name="api-tool-server-refresh"),
    path(_SERVER + "choose/", tool_servers.ChooseToolsView.as_view(), name="api-tool-server-choose"),
]

short_doors = [
    path("agent/run", doors.agent_run, name="agent-run"),
    path("mcp", mcp.McpView.as_view(), name="mcp"),
    path(".well-known/oauth-protected-resource", mcp.ResourceMetadataView.as_view(), name="mcp-metadata"),
    path(".well-known/oauth-protected-resource/mcp", mcp.ResourceMetadataView.as_view(), name="mcp-metadata-of"),
    path("hooks/<str:hook>/", triggers.HookView.as_view(), name="hook"),
]
