# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Members: who they are, what they may do, and how they come and go."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts.forms.people import InviteForm, MemberForm, RoleForm
from accounts.forms.words import ROLE_NAMES
from accounts.operations.invitations import invite
from accounts.operations.members import change_member, leave_organization, remove_member
from accounts.queries.invitations import list_invitations
from accounts.queries.members import OWN, access_member, list_members, teams_of
from accounts.queries.pages import LARGEST_PAGE
from accounts.queries.sign_ins import list_second_factors
from accounts.queries.teams import list_teams
from accounts.roles import MATRIX, MEMBER_ROLES, Permission, Role
from accounts.views.shell import ConfirmPage, FormPage, SettingsPage
from codexos.kernel.errors import Conflict


class MemberListPage(SettingsPage):
    """Everybody in the organization, open invitations, and what each role may do."""

    template_name = "accounts/members.html"
    tab = "members"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them; by words in the name or address where asked."""
        search = request.GET.get("search", "")[:254]
        members = list_members(self.actor, search=search, cursor=request.GET.get("cursor"))
        context = self._for_managers() if self.actor.may_in_organization(Permission.MANAGE_USERS) else {}
        if context:
            context["second_factors"] = list_second_factors(self.actor, members.rows)
        rows = [(member, teams_of(member)) for member in members.rows]
        return self.page(
            request,
            rows=rows,
            search=search,
            **_matrix(self.actor.role),
            **context,
            **self.page_links(request, members),
        )

    def _for_managers(self) -> dict[str, Any]:
        return {
            "invitations": list_invitations(self.actor, limit=LARGEST_PAGE).rows,
            "form": InviteForm(teams=list_teams(self.actor, limit=LARGEST_PAGE).rows, initial=_invited_as()),
            "member_roles": MEMBER_ROLES,
        }


class InvitePage(FormPage):
    """Inviting somebody by mail."""

    tab = "members"
    needs = Permission.MANAGE_USERS

    def form(self, data: Any = None) -> InviteForm:
        """Return the form, with every team to choose from."""
        return InviteForm(data, teams=list_teams(self.actor, limit=LARGEST_PAGE).rows, initial=_invited_as())

    def save(self, request: HttpRequest, form: InviteForm) -> HttpResponse:
        """Send the invitation."""
        asked = form.cleaned_data
        invitation = invite(self.actor, email=asked["email"], role=asked["role"], teams=asked["teams"])
        return self.done(request, _("%(email)s is invited.") % {"email": invitation.email}, to="members")

    def around(self) -> dict[str, Any]:
        """Return the words around the form."""
        return {"title": _("Invite a member"), "action_label": _("Send invitation"), "keep": "members"}


class MemberPage(FormPage):
    """One member's role and teams."""

    template_name = "accounts/member.html"
    tab = "members"
    needs = Permission.MANAGE_USERS

    def form(self, data: Any = None) -> MemberForm:
        """Return the form with what the member has now."""
        row = access_member(self.actor, self.kwargs["member"])
        now = {"role": row.role, "teams": [str(team.pk) for team in teams_of(row)]}
        return MemberForm(data, teams=list_teams(self.actor, limit=LARGEST_PAGE).rows, initial=now)

    def save(self, request: HttpRequest, form: MemberForm) -> HttpResponse:
        """Change both."""
        row = change_member(
            self.actor, self.kwargs["member"], role=form.cleaned_data["role"], teams=form.cleaned_data["teams"]
        )
        return self.done(request, _("%(name)s is changed.") % {"name": row.person}, to="members")

    def around(self) -> dict[str, Any]:
        """Return the member beside the form."""
        row = access_member(self.actor, self.kwargs["member"])
        return {
            "member": row,
            "second_factor": list_second_factors(self.actor, [row])[row.person_id],
            "is_self": row.person_id == self.actor.person_id,
        }


class MemberRoleDeed(SettingsPage):
    """The short way to another role, in the list of members."""

    tab = "members"
    needs = Permission.MANAGE_USERS

    def post(self, request: HttpRequest, *, member: str) -> HttpResponse:
        """Change the role; what is in the way is said above the list."""
        form = RoleForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("Choose one of the roles."))
            return redirect("members")
        try:
            row = change_member(self.actor, member, role=form.cleaned_data["role"])
        except Conflict as error:
            messages.error(request, error.message)
            return redirect("members")
        told = {"name": row.person, "role": ROLE_NAMES[Role(row.role)]}
        return self.done(request, _("%(name)s: %(role)s.") % told, to="members")


class RemoveMemberPage(ConfirmPage):
    """Removing a member."""

    tab = "members"
    needs = Permission.MANAGE_USERS

    def question(self) -> dict[str, Any]:
        """Name what is lost."""
        row = access_member(self.actor, self.kwargs["member"])
        return {
            "title": _("Remove %(name)s?") % {"name": row.person},
            "text": _("They are signed out and their API tokens here end at once. What they made stays."),
            "action_label": _("Remove"),
            "keep": "members",
        }

    def deed(self, request: HttpRequest) -> HttpResponse:
        """Remove them."""
        person = access_member(self.actor, self.kwargs["member"]).person
        remove_member(self.actor, self.kwargs["member"])
        return self.done(request, _("%(name)s is removed.") % {"name": person}, to="members")


class LeavePage(ConfirmPage):
    """Leaving the organization oneself."""

    tab = "organization"

    def question(self) -> dict[str, Any]:
        """Name what is lost. Raises MemberNotFound for who is here without being a member."""
        access_member(self.actor, OWN)
        return {
            "title": _("Leave %(name)s?") % {"name": self.request.organization.name},  # type: ignore[attr-defined]
            "text": _("Your API tokens here end at once, and you see nothing of it until you are invited again."),
            "action_label": _("Leave"),
            "keep": "organization-settings",
        }

    def deed(self, request: HttpRequest) -> HttpResponse:
        """Leave, and land in another organization."""
        name = self.request.organization.name  # type: ignore[attr-defined]
        leave_organization(self.actor)
        return self.done(request, _("You have left %(name)s.") % {"name": name}, to="home")


def _matrix(role: Role) -> dict[str, Any]:
    rows = [(permission, [(r, permission in MATRIX[r]) for r in Role]) for permission in Permission]
    return {"roles": list(Role), "matrix": rows, "own_role": role}


def _invited_as() -> dict[str, str]:
    return {"role": Role.DEVELOPER.value}
