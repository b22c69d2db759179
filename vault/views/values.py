# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The pages where a value comes in, and the one where it is shown: after a fresh sign-in, for a moment, and logged."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.errors import SignInNotFresh
from accounts.forms.blame import MENDABLE, blame
from accounts.rest import confirm_first, insist_fresh_sign_in
from vault.forms.secrets import NewValueForm, RotationForm
from vault.operations.refusals import auditing_refusals
from vault.operations.rotation import set_rotation
from vault.operations.secrets import rotate_secret
from vault.operations.values import read_secret, roll_back
from vault.queries.secrets import insist_may_change
from vault.views.shell import SecretPage

SHOWN_SECONDS = 30


class RevealPage(SecretPage):
    """A value, shown for half a minute."""

    template_name = "vault/reveal.html"
    tried = "read"

    def get(self, request: HttpRequest, secret: str) -> HttpResponse:
        """Ask first: what happens when it is shown, and that the trail says so."""
        return self._confirm_first() or self.page(request, seconds=SHOWN_SECONDS)

    def post(self, request: HttpRequest, secret: str) -> HttpResponse:
        """Show it, in this answer and no other; the page leaves by itself."""
        if confirm := self._confirm_first():
            return confirm
        try:
            opened = read_secret(self.actor, self.secret.pk, number=_number(request.POST.get("version", "")))
        except MENDABLE as error:
            return self.page(request, status=409, seconds=SHOWN_SECONDS, problem=error.message)
        text = _text_of(opened.value)
        shown = {"value": opened.value.hex() if text is None else text, "is_hex": text is None, "number": opened.number}
        response = self.page(request, seconds=SHOWN_SECONDS, shown=shown)
        response["Refresh"] = f"{SHOWN_SECONDS}; url={reverse('secret', args=[self.secret.pk])}"
        return response

    def _confirm_first(self) -> HttpResponse | None:
        """Return where to confirm who one is, None after a fresh sign-in. Raises SecretNotFound kinds."""
        here = reverse("reveal-secret", args=[self.secret.pk])
        try:
            with auditing_refusals(self.actor, self.tried, key=str(self.secret.pk)):
                insist_fresh_sign_in(self.request, self.actor)
        except SignInNotFresh:
            return confirm_first(then=here)
        return None


class NewValuePage(SecretPage):
    """Another value for a secret."""

    template_name = "vault/secret_form.html"
    tried = "rotate"

    def get(self, request: HttpRequest, secret: str) -> HttpResponse:
        """Show the form. Raises NotAllowed."""
        insist_may_change(self.actor, self.secret)
        return self._show(request, NewValueForm())

    def post(self, request: HttpRequest, secret: str) -> HttpResponse:
        """Seal it as the next version."""
        form = NewValueForm(request.POST)
        if form.is_valid():
            try:
                value = form.cleaned_data["value"].encode()
                made = rotate_secret(self.actor, self.secret.pk, value, grace=form.grace())
                return self.back(_("Version %(number)s is sealed.") % {"number": made.current_number})
            except MENDABLE as error:
                blame(form, error)
        return self._show(request, form, status=422)

    def _show(self, request: HttpRequest, form: Any, *, status: int = 200) -> HttpResponse:
        return self.page(request, status=status, form=form, title=_("New value"), action_label=_("Seal it"))


class RotationPage(SecretPage):
    """When a secret gets its next values."""

    template_name = "vault/secret_form.html"
    tried = "plan rotation"

    def get(self, request: HttpRequest, secret: str) -> HttpResponse:
        """Show the plan to those whose secret it is: the callback's address may let others in. Raises NotAllowed."""
        insist_may_change(self.actor, self.secret)
        return self._show(request, RotationForm.about(self.secret))

    def post(self, request: HttpRequest, secret: str) -> HttpResponse:
        """Keep the plan; what a callback is signed with is shown once."""
        form = RotationForm.about(self.secret, request.POST)
        if form.is_valid():
            try:
                planned = set_rotation(self.actor, self.secret.pk, form.rotation())
            except MENDABLE as error:
                blame(form, error)
            else:
                if not planned.signing_key:
                    return self.back(_("The plan is kept."))
                self.template_name = "vault/signing_key.html"
                return self.page(request, signing_key=planned.signing_key)
        return self._show(request, form, status=422)

    def _show(self, request: HttpRequest, form: Any, *, status: int = 200) -> HttpResponse:
        return self.page(request, status=status, form=form, title=_("Next values"), action_label=_("Keep this plan"))


class RollBackDeed(SecretPage):
    """An earlier value made the current one."""

    tried = "roll back"

    def post(self, request: HttpRequest, secret: str) -> HttpResponse:
        """Seal it anew as the next version. Raises CodexosError kinds."""
        number = _number(request.POST.get("version", ""))
        made = roll_back(self.actor, self.secret.pk, to=number or 0)
        return self.back(
            _("Version %(number)s holds the value of version %(old)s.")
            % {
                "number": made.current_number,
                "old": number,
            }
        )


def _number(written: str) -> int | None:
    return int(written) if written.isascii() and written.isdigit() and len(written) < 10 else None


def _text_of(value: bytes) -> str | None:
    """Return a value as text, None where it is none that can be shown."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return None
    return text if all(letter.isprintable() or letter in "\n\r\t" for letter in text) else None
