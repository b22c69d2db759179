# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The matrix of roles in the words of the pages. Which role may what is said in accounts/roles.py only."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.roles import Permission, Role, TokenScope

ROLE_NAMES: Mapping[Role, Promise] = {
    Role.SYSTEM_ADMIN: _("System admin"),
    Role.ORG_ADMIN: _("Organization admin"),
    Role.TEAM_LEAD: _("Team lead"),
    Role.DEVELOPER: _("Developer"),
    Role.VIEWER: _("Viewer"),
}

YOU_ARE: Mapping[Role, Promise] = {
    Role.SYSTEM_ADMIN: _("You are a system admin"),
    Role.ORG_ADMIN: _("You are an organization admin"),
    Role.TEAM_LEAD: _("You are a team lead"),
    Role.DEVELOPER: _("You are a developer"),
    Role.VIEWER: _("You are a viewer"),
}

PERMISSION_WORDS: Mapping[Permission, Promise] = {
    Permission.SEE: _("See flows, files and runs"),
    Permission.RUN_FLOWS: _("Run agents"),
    Permission.WRITE_FILES: _("Write project files"),
    Permission.CREATE_AGENTS: _("Create agents"),
    Permission.MODIFY_TEAM_TEMPLATES: _("Modify team templates"),
    Permission.ACCESS_VAULT: _("Access vault"),
    Permission.PUBLISH_TO_MARKETPLACE: _("Publish to marketplace"),
    Permission.MANAGE_PROJECTS: _("Manage projects"),
    Permission.MANAGE_USERS: _("Manage users"),
    Permission.MANAGE_ORGANIZATION: _("Manage organization and teams"),
    Permission.VIEW_AUDIT: _("View audit log"),
    Permission.VIEW_BILLING: _("View billing"),
}

SCOPE_SENTENCES: Mapping[TokenScope, Promise] = {
    TokenScope.READ: _("Read flows, files, runs and people."),
    TokenScope.RUN: _("Start runs and watch them."),
    TokenScope.WRITE: _("Change flows, files and projects."),
    TokenScope.VAULT: _("Use the vault."),
    TokenScope.PUBLISH: _("Publish to the marketplace."),
    TokenScope.ADMIN: _("Manage members, read the audit log and billing."),
}
