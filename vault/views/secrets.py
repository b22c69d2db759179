# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The list of secrets, putting one away, and one with all that is known of it but its value."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts.forms.blame import MENDABLE, blame
from codexos.kernel import clock
from vault.forms.fields import SCOPES
from vault.forms.people import ShareForm
from vault.forms.secrets import AboutForm, NewSecretForm
from vault.operations.folders import name_folder
from vault.operations.secrets import change_secret, put_secret
from vault.queries.secrets import SecretFilters, list_secrets, list_uses, list_versions, may_change_secret
from vault.queries.sharing import list_shares
from vault.views.shell import SecretPage, VaultPage


class SecretListPage(VaultPage):
    """The secrets a person may use, or those that wait to be gone."""

    template_name = "vault/secrets.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them, newest first."""
        asked, is_destroyed = request.GET, request.GET.get("which") == "destroyed"
        scope = asked.get("scope", "")
        filters = SecretFilters(
            scope=scope if scope in dict(SCOPES) else "",
            tag=asked.get("tag", "")[:50],
            text=asked.get("q", "").strip()[:100],
            is_destroyed=is_destroyed,
        )
        found, now = list_secrets(self.actor, filters=filters, cursor=asked.get("cursor")), clock.now()
        return self.page(
            request,
            tab="destroyed" if is_destroyed else "secrets",
            rows=[self._row(secret, now) for secret in found.rows],
            filters=filters,
            scopes=SCOPES,
            is_destroyed=is_destroyed,
            is_filtered=bool(filters.scope or filters.tag or filters.text),
            **self.page_links(request, found),
        )

    def _row(self, secret: Any, now: Any) -> dict[str, Any]:
        return {
            "secret": secret,
            "is_expired": secret.is_expired(now),
            "is_due": secret.rotates_at is not None and secret.rotates_at <= now,
            "may_change": may_change_secret(self.actor, secret),
        }


class NewSecretPage(VaultPage):
    """A secret that is put away."""

    template_name = "vault/secret_new.html"
    tab = "secrets"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form."""
        return self.page(request, form=self._form(initial={"key": request.GET.get("key", "")[:100]}))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Put it away and show it; what cannot be kept is said beside its field, and the value is not sent back."""
        form = self._form(request.POST)
        if form.is_valid():
            try:
                secret = self._put(form)
                return self.done(_("%(key)s is sealed.") % {"key": secret.key}, to="secret", secret=secret.pk)
            except MENDABLE as error:
                blame(form, error)
        return self.page(request, form=form, status=422)

    def _form(self, data: Any = None, **kwargs: Any) -> NewSecretForm:
        return NewSecretForm(data, folders=self.folders(), **kwargs)

    def _put(self, form: NewSecretForm) -> Any:
        said = form.cleaned_data
        scope, _sep, id_ = said["folder"].partition(":")
        place = {"project": id_ if scope == "project" else None, "team": id_ if scope == "team" else None}
        folder = name_folder(self.actor, scope=scope, **place)
        value, is_new = said["value"].encode(), not said["replaces"]
        return put_secret(self.actor, said["key"], value, folder=folder, edit=form.edit(), only_new=is_new)


class OneSecretPage(SecretPage):
    """One secret: what is said of it, its versions, who uses it, with whom it is shared."""

    tried = "change"
    template_name = "vault/secret.html"
    may_be_destroyed = True

    def get(self, request: HttpRequest, secret: str) -> HttpResponse:
        """Show it."""
        return self._show(request, AboutForm.about(self.secret))

    def post(self, request: HttpRequest, secret: str) -> HttpResponse:
        """Change what is said of it."""
        form = AboutForm.about(self.secret, request.POST)
        if form.is_valid():
            try:
                change_secret(self.actor, self.secret.pk, edit=form.edit())
                return self.back(_("Saved."))
            except MENDABLE as error:
                blame(form, error)
        return self._show(request, form, status=422)

    def _show(self, request: HttpRequest, form: AboutForm, *, status: int = 200) -> HttpResponse:
        versions, now = list_versions(self.actor, self.secret, cursor=request.GET.get("cursor"), limit=20), clock.now()
        is_mine = may_change_secret(self.actor, self.secret)
        return self.page(
            request,
            status=status,
            form=form,
            versions=versions.rows,
            now=now,
            is_expired=self.secret.is_expired(now),
            uses=list_uses(self.actor, self.secret),
            shares=list_shares(self.actor, self.secret).rows if is_mine else [],
            share_form=ShareForm(people=self.people()) if is_mine else None,
            **self.page_links(request, versions),
        )
