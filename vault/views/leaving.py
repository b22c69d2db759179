# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Destroying a secret, and taking that back."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts.forms.blame import MENDABLE
from vault.operations.secrets import destroy_secret, restore_secret
from vault.queries.secrets import insist_may_change, list_uses
from vault.views.shell import SecretPage


class DestroyPage(SecretPage):
    """A question before a secret is destroyed: what uses it, and until when it can be taken back."""

    tried = "destroy"
    template_name = "vault/destroy.html"

    def get(self, request: HttpRequest, secret: str) -> HttpResponse:
        """Ask. Raises NotAllowed."""
        insist_may_change(self.actor, self.secret)
        return self._ask(request)

    def post(self, request: HttpRequest, secret: str) -> HttpResponse:
        """Destroy it; where flows name it, only for somebody who says that they know."""
        is_known = request.POST.get("even_if_used") == "on"
        try:
            destroyed = destroy_secret(self.actor, self.secret.pk, even_if_used=is_known)
        except MENDABLE as error:
            return self._ask(request, problem=error.message, status=409)
        said = {"key": destroyed.key, "day": f"{destroyed.gone_at:%Y-%m-%d}"}
        return self.done(_("%(key)s is destroyed. It can be restored until %(day)s.") % said, to="vault")

    def _ask(self, request: HttpRequest, *, problem: str = "", status: int = 200) -> HttpResponse:
        return self.page(request, status=status, uses=list_uses(self.actor, self.secret), problem=problem)


class RestoreDeed(SecretPage):
    """A destroyed secret taken back."""

    tried = "restore"
    may_be_destroyed = True

    def post(self, request: HttpRequest, secret: str) -> HttpResponse:
        """Restore it. Raises SecretKeyTaken, NotAllowed."""
        restore_secret(self.actor, self.secret.pk)
        return self.back(_("It is back."))
