# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Invitations: sent again, withdrawn, and the page behind the link in the mail."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.generic import View

from accounts.errors import InvitationExpired, InvitationNotFound, InvitationNotYours, InvitationUsed
from accounts.middleware import work_in
from accounts.operations.invitations import accept_invitation, resend_invitation, withdraw_invitation
from accounts.queries.invitations import Letter, access_invitation, peek_invitation
from accounts.queries.sign_ins import is_own_address
from accounts.roles import Permission
from accounts.views.shell import ConfirmPage, SettingsPage
from codexos.kernel.errors import CodexosError, Conflict, LimitReached

_CLOSED = {InvitationNotFound: ("unknown", 404), InvitationExpired: ("expired", 410), InvitationUsed: ("used", 410)}


class ResendInvitationDeed(SettingsPage):
    """Sends the mail again."""

    tab = "members"
    needs = Permission.MANAGE_USERS

    def post(self, request: HttpRequest, *, invitation: str) -> HttpResponse:
        """Send it; what is in the way is said above the list."""
        try:
            row = resend_invitation(self.actor, invitation)
        except (Conflict, LimitReached) as error:
            messages.error(request, error.message)
            return redirect("members")
        return self.done(request, _("The invitation of %(email)s is on its way.") % {"email": row.email}, to="members")


class WithdrawInvitationPage(ConfirmPage):
    """Makes the link of an invitation worthless."""

    tab = "members"
    needs = Permission.MANAGE_USERS

    def question(self) -> dict[str, Any]:
        """Name what is lost."""
        row = access_invitation(self.actor, self.kwargs["invitation"])
        return {
            "title": _("Withdraw the invitation of %(email)s?") % {"email": row.email},
            "text": _("The link in the mail stops working. You can invite them again."),
            "action_label": _("Withdraw"),
            "keep": "members",
        }

    def deed(self, request: HttpRequest) -> HttpResponse:
        """Withdraw it."""
        email = access_invitation(self.actor, self.kwargs["invitation"]).email
        withdraw_invitation(self.actor, self.kwargs["invitation"])
        return self.done(request, _("The invitation of %(email)s is withdrawn.") % {"email": email}, to="members")


@method_decorator(never_cache, name="dispatch")
class InvitationPage(View):
    """What somebody sees who follows the link, signed in or not."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Show who invites whom to what, and the one way on."""
        try:
            return _show(request, letter=peek_invitation(token))
        except tuple(_CLOSED) as error:
            return _show_closed(request, error)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """Accept it, signed in as the one it is for."""
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        try:
            membership = accept_invitation(request.user, token)
        except InvitationNotYours:
            return _show(request, letter=peek_invitation(token), status=403)
        except tuple(_CLOSED) as error:
            return _show_closed(request, error)
        work_in(request, membership.organization_id)
        messages.success(request, _("Welcome. You are a member now."))
        return redirect("home")


def _show(request: HttpRequest, *, letter: Letter, status: int = 200) -> HttpResponse:
    user = request.user
    is_yours = user.is_authenticated and is_own_address(user.pk, letter.email)
    return render(request, "accounts/invitation.html", {"letter": letter, "is_yours": is_yours}, status=status)


def _show_closed(request: HttpRequest, error: CodexosError) -> HttpResponse:
    state, status = _CLOSED[type(error)]
    return render(request, "accounts/invitation_closed.html", {"state": state}, status=status)
