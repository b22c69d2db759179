# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The page that people come back to who signed in to a tool server at its provider."""

from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.generic import View

from accounts.pages import OrganizationPage
from agents.operations.tool_sign_ins import end_sign_in
from codexos.kernel.errors import CodexosError


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
