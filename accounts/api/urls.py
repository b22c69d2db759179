# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The API routes of accounts, below /api/v1/."""

from django.urls import path

from accounts.api import audit, usage
from accounts.api.views import invitations, members, organizations, projects, teams, tokens

urlpatterns = [
    path("me/", organizations.Me.as_view()),
    path("organizations/", organizations.OrganizationList.as_view()),
    path("organizations/<str:organization>/", organizations.OrganizationDetail.as_view()),
    path("organizations/<str:organization>/choose/", organizations.OrganizationChoose.as_view()),
    path("teams/", teams.TeamList.as_view()),
    path("teams/<str:team>/", teams.TeamDetail.as_view()),
    path("projects/", projects.ProjectList.as_view()),
    path("projects/<str:project>/", projects.ProjectDetail.as_view()),
    path("members/", members.MemberList.as_view()),
    path("members/<str:member>/", members.MemberDetail.as_view()),
    path("invitations/", invitations.InvitationList.as_view()),
    path("invitations/accept/", invitations.InvitationAccept.as_view()),
    path("invitations/<str:invitation>/", invitations.InvitationDetail.as_view()),
    path("invitations/<str:invitation>/resend/", invitations.InvitationResend.as_view()),
    path("tokens/", tokens.TokenList.as_view()),
    path("tokens/<str:token>/", tokens.TokenDetail.as_view()),
    path("audit-events/", audit.AuditEventList.as_view()),
    path("audit-events/export/", audit.AuditEventExport.as_view()),
    path("audit-events/<uuid:event_id>/", audit.AuditEventDetail.as_view()),
    path("usage/", usage.Usage.as_view()),
]
