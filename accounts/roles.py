# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The matrix of roles, declared once. Grants, documentation and tests are made from it."""

from enum import StrEnum


class Role(StrEnum):
    """A named set of permissions, held per organization (system admin: over the platform)."""

    SYSTEM_ADMIN = "system_admin"
    ORG_ADMIN = "org_admin"
    TEAM_LEAD = "team_lead"
    DEVELOPER = "developer"
    VIEWER = "viewer"


class Permission(StrEnum):
    """What a person may do inside an organization or a team."""

    SEE = "see"
    RUN_FLOWS = "run_flows"
    WRITE_FILES = "write_files"
    CREATE_AGENTS = "create_agents"
    MODIFY_TEAM_TEMPLATES = "modify_team_templates"
    ACCESS_VAULT = "access_vault"
    PUBLISH_TO_MARKETPLACE = "publish_to_marketplace"
    MANAGE_PROJECTS = "manage_projects"
    MANAGE_USERS = "manage_users"
    MANAGE_ORGANIZATION = "manage_organization"
    VIEW_AUDIT = "view_audit"
    VIEW_BILLING = "view_billing"


_VIEWER = frozenset({Permission.SEE})
_DEVELOPER = _VIEWER | {
    Permission.RUN_FLOWS,
    Permission.WRITE_FILES,
    Permission.CREATE_AGENTS,
    Permission.ACCESS_VAULT,
    Permission.PUBLISH_TO_MARKETPLACE,
}
_TEAM_LEAD = _DEVELOPER | {Permission.MODIFY_TEAM_TEMPLATES, Permission.MANAGE_PROJECTS}
_EVERYTHING = frozenset(Permission)

MATRIX: dict[Role, frozenset[Permission]] = {
    Role.SYSTEM_ADMIN: _EVERYTHING,
    Role.ORG_ADMIN: _EVERYTHING,
    Role.TEAM_LEAD: _TEAM_LEAD,
    Role.DEVELOPER: _DEVELOPER,
    Role.VIEWER: _VIEWER,
}

MEMBER_ROLES = (Role.ORG_ADMIN, Role.TEAM_LEAD, Role.DEVELOPER, Role.VIEWER)
"""Roles a membership may have. A system admin is one by the platform's word, not an organization's."""

ORGANIZATION_ROLES = frozenset({Role.SYSTEM_ADMIN, Role.ORG_ADMIN})
"""Roles whose permissions reach the whole organization; the others reach the teams a person is in."""


class TokenScope(StrEnum):
    """What an API token is good for, at most; its person's own permissions still bound it."""

    READ = "read"
    RUN = "run"
    WRITE = "write"
    VAULT = "vault"
    PUBLISH = "publish"
    ADMIN = "admin"


SCOPES: dict[TokenScope, frozenset[Permission]] = {
    TokenScope.READ: frozenset({Permission.SEE}),
    TokenScope.RUN: frozenset({Permission.SEE, Permission.RUN_FLOWS}),
    TokenScope.WRITE: frozenset(
        {
            Permission.SEE,
            Permission.WRITE_FILES,
            Permission.CREATE_AGENTS,
            Permission.MODIFY_TEAM_TEMPLATES,
            Permission.MANAGE_PROJECTS,
        }
    ),
    TokenScope.VAULT: frozenset({Permission.SEE, Permission.ACCESS_VAULT}),
    TokenScope.PUBLISH: frozenset({Permission.SEE, Permission.PUBLISH_TO_MARKETPLACE}),
    TokenScope.ADMIN: frozenset(
        {
            Permission.SEE,
            Permission.MANAGE_USERS,
            Permission.MANAGE_ORGANIZATION,
            Permission.VIEW_AUDIT,
            Permission.VIEW_BILLING,
        }
    ),
}


def permissions_of_scopes(scopes: frozenset[TokenScope]) -> frozenset[Permission]:
    """Return every permission that one of ``scopes`` lets through."""
    return frozenset().union(*(SCOPES[scope] for scope in scopes))
