# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Folders as they are named from outside."""

from accounts.actor import Actor
from accounts.models import Project
from accounts.queries.projects import access_project, only_project
from accounts.queries.teams import access_team
from vault.models import SecretScope
from vault.operations.secrets import Folder


def name_folder(actor: Actor, *, scope: str, project: str | None, team: str | None) -> Folder:
    """Return the folder that is meant; where no project is said, the actor's only one.

    Raises ProjectNotFound, TeamNotFound, InvalidInput.
    """
    where = SecretScope(scope)
    return Folder(
        where,
        _project(actor, project, is_needed=where is SecretScope.PROJECT),
        access_team(actor, team) if team is not None else None,
    )


def _project(actor: Actor, project: str | None, *, is_needed: bool) -> Project | None:
    if project is not None:
        return access_project(actor, project)
    return only_project(actor) if is_needed else None
