# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The page that people come back to who signed in to a tool server at its provider."""

from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.generic import View

from accounts.pages import OrganizationPage
from agents.operations.tool_sign_ins import begin_sign_in, end_sign_in
from codexos.kernel.errors import CodexosError, NotAllowed, NotFound


@method_decorator(never_cache, name="dispatch")
class BeginToolSignInPage(OrganizationPage):
    """Shows where a server's provider lets people in: they go there by themselves, and see whose place it is."""

    template_name = "agents/tool_sign_in_begin.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Hold no transaction: the server and its provider are asked meanwhile."""
        if not request.user.is_authenticated:
            return LoginRequiredMixin.handle_no_permission(self)
        return View.dispatch(self, request, *args, **kwargs)

    def post(self, request: HttpRequest, server: str) -> HttpResponse:
        """Ask how one signs in. A form may lead nowhere else, so the way there is a link."""
        try:
            address = begin_sign_in(self.actor, server)
        except (NotAllowed, NotFound):
            raise
        except CodexosError as error:
            messages.error(request, error.message)
            return redirect("tool-server", server=server)
        return self.page(request, address=address, host=urlsplit(address).hostname, server_id=server)


@method_decorator(never_cache, name="dispatch")
class ToolSignInPage(OrganizationPage):
    """Keeps the token, and says what came of it."""

    template_name = "agents/tool_sign_in.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Hold no transaction: a provider is asked meanwhile. It is a deed, though a browser comes to it by GET."""
        if not request.user.is_authenticated:
            return LoginRequiredMixin.handle_no_permission(self)
        return View.dispatch(self, request, *args, **kwargs)

    @method_decorator(sensitive_variables())
    def get(self, request: HttpRequest) -> HttpResponse:
        """Take what the provider sent along."""
        said = {name: request.GET.get(name, "") for name in ("state", "code", "error")}
        try:
            server = end_sign_in(self.actor, issuer=request.GET.get("iss", ""), **said)
        except CodexosError as error:
            return self.page(request, status=409, trouble=error.message)
        return self.page(request, server=server)
