# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages of accounts."""

from django.urls import path
from django.views.generic import RedirectView
from django.views.i18n import set_language

from accounts.views import audit, invitations, members, organizations, profile, projects, teams, tokens

urlpatterns = [
    path("invitations/<str:token>/", invitations.InvitationPage.as_view(), name="invitation"),
    path("language/", set_language, name="set_language"),
    path("theme/", profile.ThemeDeed.as_view(), name="set_theme"),
    path("settings/", RedirectView.as_view(pattern_name="members"), name="settings"),
    path("settings/members/", members.MemberListPage.as_view(), name="members"),
    path("settings/members/invite/", members.InvitePage.as_view(), name="invite-member"),
    path("settings/members/<str:member>/", members.MemberPage.as_view(), name="member"),
    path("settings/members/<str:member>/role/", members.MemberRoleDeed.as_view(), name="member-role"),
    path("settings/members/<str:member>/remove/", members.RemoveMemberPage.as_view(), name="remove-member"),
    path(
        "settings/invitations/<str:invitation>/resend/",
        invitations.ResendInvitationDeed.as_view(),
        name="resend-invitation",
    ),
    path(
        "settings/invitations/<str:invitation>/withdraw/",
        invitations.WithdrawInvitationPage.as_view(),
        name="withdraw-invitation",
    ),
    path("settings/teams/", teams.TeamListPage.as_view(), name="teams"),
    path("settings/teams/new/", teams.NewTeamPage.as_view(), name="new-team"),
    path("settings/teams/<str:team>/", teams.TeamPage.as_view(), name="team"),
    path("settings/teams/<str:team>/delete/", teams.DeleteTeamPage.as_view(), name="delete-team"),
    path("settings/projects/", projects.ProjectListPage.as_view(), name="projects"),
    path("settings/projects/new/", projects.NewProjectPage.as_view(), name="new-project"),
    path("settings/projects/<str:project>/", projects.ProjectPage.as_view(), name="project"),
    path("settings/projects/<str:project>/delete/", projects.DeleteProjectPage.as_view(), name="delete-project"),
    path("settings/tokens/", tokens.TokenListPage.as_view(), name="tokens"),
    path("settings/tokens/new/", tokens.NewTokenPage.as_view(), name="new-token"),
    path("settings/tokens/<str:token>/revoke/", tokens.RevokeTokenPage.as_view(), name="revoke-token"),
    path("settings/audit/", audit.AuditPage.as_view(), name="audit"),
    path("settings/audit/export.<str:form>", audit.AuditExport.as_view(), name="export-audit"),
    path("settings/audit/<str:event>/", audit.AuditEventPage.as_view(), name="audit-event"),
    path("settings/organization/", organizations.OrganizationSettingsPage.as_view(), name="organization-settings"),
    path("settings/organization/new/", organizations.FoundOrganizationPage.as_view(), name="found-organization"),
    path("settings/organization/leave/", members.LeavePage.as_view(), name="leave-organization"),
    path("settings/organization/switch/", organizations.SwitchOrganizationDeed.as_view(), name="switch_organization"),
    path(
        "settings/organization/entries/<str:entry>/end/",
        organizations.EndBreakGlassDeed.as_view(),
        name="end-break-glass",
    ),
    path("settings/profile/", profile.ProfilePage.as_view(), name="profile"),
]
