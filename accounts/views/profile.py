# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What concerns oneself: name, theme, language, clock, model."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.generic import View

from accounts.forms.blame import MENDABLE, blame
from accounts.forms.people import ProfileForm
from accounts.operations.preferences import change_preferences

_FIELDS = ("name", "theme", "language", "time_zone", "default_model", "wants_question_mail")
_THEMES = ("system", "light", "dark")
_YEAR = 365 * 24 * 3600


class ProfilePage(LoginRequiredMixin, View):
    """One's own profile and preferences; needs no organization."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them."""
        return _show(request, ProfileForm(initial={field: getattr(request.user, field) for field in _FIELDS}))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Change them; the page that follows looks and speaks so already."""
        form = ProfileForm(request.POST)
        if not form.is_valid():
            return _show(request, form, status=422)
        person: Any = request.user
        try:
            change_preferences(person, **form.cleaned_data)
        except MENDABLE as error:
            blame(form, error)
            return _show(request, form, status=422)
        with translation.override(person.language or translation.get_language()):
            messages.success(request, _("Your preferences are saved."))
        response = redirect("profile")
        _set_cookie(response, "theme", person.theme)
        if person.language:
            _set_cookie(response, settings.LANGUAGE_COOKIE_NAME, person.language)
        return response


class ThemeDeed(View):
    """Sets the theme from the menu, also for somebody who is not signed in."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Remember it and go back to the page one stood on."""
        theme = request.POST.get("theme", "")
        response = redirect(_came_from(request))
        if theme in _THEMES:
            person: Any = request.user
            if person.is_authenticated:
                change_preferences(person, theme=theme)
            _set_cookie(response, "theme", theme)
        return response


def _show(request: HttpRequest, form: ProfileForm, *, status: int = 200) -> HttpResponse:
    return render(request, "accounts/profile.html", {"form": form}, status=status)


def _set_cookie(response: HttpResponse, name: str, value: str) -> None:
    # Scripts read the theme, so that a change shows before the server has heard of it.
    response.set_cookie(name, value, max_age=_YEAR, secure=settings.IS_SECURE, samesite="Lax")


def _came_from(request: HttpRequest) -> str:
    referer = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(referer, {request.get_host()}, require_https=request.is_secure())
    return referer if is_ours else "/"
