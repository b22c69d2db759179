# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the vault's pages share: their tabs, the people and folders one may choose from, what is kept by no cache."""

from contextlib import nullcontext
from typing import Any, ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from accounts.pages import OrganizationPage
from accounts.queries.access import insist_in_organization
from accounts.queries.members import list_members
from accounts.queries.pages import LARGEST_PAGE
from accounts.queries.projects import list_projects
from accounts.queries.teams import list_teams
from accounts.roles import Permission
from vault.operations.refusals import auditing_refusals
from vault.queries.openings import insist_vault
from vault.queries.secrets import access_secret, may_change_secret


class VaultPage(OrganizationPage):
    """A page of the vault; ``for_admins`` is what only those who manage the organization open."""

    tab: ClassVar[str] = ""
    for_admins: ClassVar[bool] = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Refuse whoever may not, before anything is read. Raises NotAllowed."""
        if request.user.is_authenticated:
            insist_vault(self.actor)
            if self.for_admins:
                insist_in_organization(self.actor, Permission.MANAGE_ORGANIZATION)
        response = super().dispatch(request, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response

    def page(self, request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
        """Render the page under its tab."""
        is_admin = self.actor.may_in_organization(Permission.MANAGE_ORGANIZATION)
        return super().page(request, status=status, **{"tab": self.tab, "is_admin": is_admin, **context})

    def done(self, text: str, *, to: str, **place: Any) -> HttpResponse:
        """Say what was done and go on, so that a reload repeats nothing."""
        messages.success(self.request, text)
        return redirect(reverse(to, kwargs=place or None))

    def people(self) -> list[tuple[Any, list[tuple[str, str]]]]:
        """Return the teams and members that the actor sees, as choices in groups."""
        teams = [(f"team:{team.pk}", team.name) for team in list_teams(self.actor, limit=LARGEST_PAGE).rows]
        members = list_members(self.actor, limit=LARGEST_PAGE).rows
        return [(_("Teams"), teams), (_("People"), [(f"member:{row.pk}", str(row.person)) for row in members])]

    def folders(self) -> list[tuple[str, Any]]:
        """Return the folders that are the actor's to put into, as choices."""
        projects = [
            (f"project:{project.pk}", project.name)
            for project in list_projects(self.actor, limit=LARGEST_PAGE).rows
            if self.actor.may(Permission.ACCESS_VAULT, project)
        ]
        teams = [
            (f"team:{team.pk}", team.name)
            for team in list_teams(self.actor, limit=LARGEST_PAGE).rows
            if self.actor.may(Permission.ACCESS_VAULT, team)
        ]
        wide = [("organization:", _("Organization: everybody with the vault"))]
        groups = [(_("Projects"), projects), (_("Teams"), teams)]
        return [
            *(group for group in groups if group[1]),
            *(wide if self.actor.may_in_organization(Permission.ACCESS_VAULT) else []),
            ("personal:", _("Personal: nobody but you")),
        ]


class SecretPage(VaultPage):
    """A page of one secret, named ``secret`` in its route; ``tried`` names its deed in the audit trail."""

    tab = "secrets"
    tried: ClassVar[str] = ""
    may_be_destroyed: ClassVar[bool] = False

    @cached_property
    def secret(self) -> Any:
        """The secret it is about. Raises SecretNotFound kinds."""
        named = self.kwargs["secret"]
        # Looking at what is said of a secret is no deed; trying to do something to it is, also where it is closed.
        is_tried = self.tried and (self.request.method == "POST" or self.tried == "read")
        with auditing_refusals(self.actor, self.tried, key=named) if is_tried else nullcontext():
            return access_secret(self.actor, named, may_be_destroyed=self.may_be_destroyed)

    def page(self, request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
        """Render the page about its secret."""
        about = {"secret": self.secret, "may_change": may_change_secret(self.actor, self.secret)}
        return super().page(request, status=status, **about, **context)

    def back(self, text: str) -> HttpResponse:
        """Say what was done and show the secret."""
        return self.done(text, to="secret", secret=self.secret.pk)
