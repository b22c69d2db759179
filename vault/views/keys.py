# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The keys that an organization's secrets are sealed under."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts.forms.blame import MENDABLE
from accounts.queries.organizations import access_organization
from accounts.rest import insist_fresh_sign_in
from vault.operations.key_rotation import rotate_organization_key
from vault.operations.refusals import auditing_refusals
from vault.operations.shredding import shred_vault
from vault.queries.keys import list_vault_keys, shredding_of, summarize_vault_keys
from vault.views.shell import VaultPage


class KeysPage(VaultPage):
    """Which keys there are, and how much stands under each."""

    template_name = "vault/keys.html"
    tab = "keys"
    for_admins = True

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them, newest first."""
        keys = list_vault_keys(self.actor, cursor=request.GET.get("cursor"))
        return self.page(
            request,
            summary=summarize_vault_keys(self.actor),
            shredding=shredding_of(self.actor),
            keys=keys.rows,
            **self.page_links(request, keys),
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        """Rotate: what stands under the key in use is moved to a new one. Raises KeyUnavailable, KeysJustChanged."""
        made = rotate_organization_key(self.actor)
        said = _("Key %(number)s is in use. Data keys are wrapped anew in the background; no value is opened.")
        return self.done(said % {"number": made.number}, to="vault-keys")


class ShredPage(VaultPage):
    """A question before the organization's keys are destroyed, and every secret with them."""

    template_name = "vault/shred.html"
    tab = "keys"
    for_admins = True

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ask."""
        return self._ask(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Shred; the short name must be typed. Raises SignInNotFresh."""
        with auditing_refusals(self.actor, "shred", key=""):
            insist_fresh_sign_in(request, self.actor)
        try:
            shredded = shred_vault(self.actor, confirm=request.POST.get("confirm", "").strip())
        except MENDABLE as error:
            return self._ask(request, problem=error.message, status=422)
        said = {"count": shredded.versions, "day": f"{shredded.final_at:%Y-%m-%d}"}
        return self.done(
            _("%(count)s versions can be opened by nobody. It is final on %(day)s.") % said, to="vault-keys"
        )

    def _ask(self, request: HttpRequest, *, problem: str = "", status: int = 200) -> HttpResponse:
        word, summary = access_organization(self.actor).slug, summarize_vault_keys(self.actor)
        return self.page(
            request, status=status, confirm_word=word, summary=summary, days=settings.BACKUP_DAYS, problem=problem
        )
