# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who may use secrets beyond their folder: shares, and rules about tags."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts.forms.blame import MENDABLE, blame
from vault.forms.people import RuleForm, ShareForm
from vault.operations.rules import drop_rule, make_rule
from vault.operations.sharing import share_secret, unshare_secret
from vault.queries.sharing import list_tag_rules
from vault.views.shell import SecretPage, VaultPage


class ShareDeed(SecretPage):
    """Sharing a secret."""

    tried = "share"
    template_name = "vault/secret_form.html"

    def post(self, request: HttpRequest, secret: str) -> HttpResponse:
        """Share it; what is refused is said beside the choice."""
        form = ShareForm(request.POST, people=self.people())
        if form.is_valid():
            try:
                share_secret(self.actor, self.secret.pk, whom=form.named())
                return self.back(_("It is shared."))
            except MENDABLE as error:
                blame(form, error)
        return self.page(request, status=422, form=form, title=_("Share"), action_label=_("Share"))


class UnshareDeed(SecretPage):
    """Taking a share back."""

    tried = "unshare"

    def post(self, request: HttpRequest, secret: str, share: str) -> HttpResponse:
        """Take it back. Raises ShareNotFound, NotAllowed."""
        unshare_secret(self.actor, self.secret.pk, share)
        return self.back(_("It is not shared with them any more."))


class TagRulesPage(VaultPage):
    """The organization's rules about tags."""

    template_name = "vault/tag_rules.html"
    tab = "rules"
    for_admins = True

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them, and the form for another one."""
        return self._show(request, self._form())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make one."""
        form = self._form(request.POST)
        if form.is_valid():
            try:
                make_rule(self.actor, form.request())
                return self.done(_("The rule holds from now on."), to="tag-rules")
            except MENDABLE as error:
                blame(form, error)
        return self._show(request, form, status=422)

    def _form(self, data: Any = None) -> RuleForm:
        return RuleForm(data, people=self.people())

    def _show(self, request: HttpRequest, form: RuleForm, *, status: int = 200) -> HttpResponse:
        rules = list_tag_rules(self.actor, cursor=request.GET.get("cursor"))
        return self.page(request, status=status, form=form, rules=rules.rows, **self.page_links(request, rules))


class DropRuleDeed(VaultPage):
    """Dropping a rule."""

    for_admins = True

    def post(self, request: HttpRequest, rule: str) -> HttpResponse:
        """Drop it. Raises TagRuleNotFound."""
        drop_rule(self.actor, rule)
        return self.done(_("The rule is gone."), to="tag-rules")
