# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""API tokens: made, shown once, revoked."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.errors import SignInNotFresh
from accounts.forms.tokens import TokenForm
from accounts.operations.tokens import issue_token, revoke_token
from accounts.queries.pages import LARGEST_PAGE
from accounts.queries.projects import access_project, list_projects
from accounts.queries.tokens import access_token, list_organization_tokens, list_own_tokens
from accounts.rest import confirm_first, insist_fresh_sign_in
from accounts.roles import Permission, TokenScope
from accounts.views.shell import ConfirmPage, FormPage, SettingsPage
from codexos.kernel import clock

_EVERYBODY = "everybody"


class TokenListPage(SettingsPage):
    """One's own tokens; for who manages users, everybody's."""

    template_name = "accounts/tokens.html"
    tab = "tokens"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them, newest first."""
        may_see_all = self.actor.may_in_organization(Permission.MANAGE_USERS)
        is_everybody = may_see_all and request.GET.get("of") == _EVERYBODY
        list_tokens = list_organization_tokens if is_everybody else list_own_tokens
        tokens = list_tokens(self.actor, cursor=request.GET.get("cursor"))
        now = clock.now()
        return self.page(
            request,
            rows=[(token, token.is_good(now)) for token in tokens.rows],
            may_see_all=may_see_all,
            is_everybody=is_everybody,
            **self.page_links(request, tokens),
        )


class NewTokenPage(FormPage):
    """Making a token; the answer is the one page that ever shows its value."""

    tab = "tokens"

    def form(self, data: Any = None) -> TokenForm:
        """Return the form with the projects a token can be narrowed to."""
        return TokenForm(data, projects=list_projects(self.actor, limit=LARGEST_PAGE).rows)

    def save(self, request: HttpRequest, form: TokenForm) -> HttpResponse:
        """Make the token and show it, here and never again: a redirect would have to keep the value somewhere."""
        asked = form.cleaned_data
        if TokenScope.VAULT in asked["scopes"]:
            try:
                insist_fresh_sign_in(request, self.actor)
            except SignInNotFresh:
                return confirm_first(then=reverse("new-token"))
        issued = issue_token(
            self.actor,
            name=asked["name"],
            scopes=asked["scopes"],
            expires_at=form.ends_at(),
            project=access_project(self.actor, asked["project"]) if asked["project"] else None,
        )
        self.template_name = "accounts/token_made.html"
        response = self.page(request, issued=issued, address=request.build_absolute_uri("/api/v1/projects/"))
        response["Cache-Control"] = "no-store"
        return response

    def around(self) -> dict[str, Any]:
        """Return the words around the form."""
        return {"title": _("New API token"), "action_label": _("Make token"), "keep": "tokens"}


class RevokeTokenPage(ConfirmPage):
    """Ending a token at once."""

    tab = "tokens"

    def question(self) -> dict[str, Any]:
        """Name what is lost."""
        row = access_token(self.actor, self.kwargs["token"])
        return {
            "title": _("Revoke %(name)s?") % {"name": row.name},
            "text": _("Programs that use it are refused from now on. This cannot be undone; a new one can be made."),
            "action_label": _("Revoke"),
            "keep": "tokens",
        }

    def deed(self, request: HttpRequest) -> HttpResponse:
        """Revoke it."""
        name = access_token(self.actor, self.kwargs["token"]).name
        revoke_token(self.actor, token_id=self.kwargs["token"])
        return self.done(request, _("%(name)s is revoked.") % {"name": name}, to="tokens")
