# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the pages of knowledge share: their base, their tabs, and how a deed ends."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.generic import View

from accounts.forms.blame import MENDABLE
from accounts.pages import OrganizationPage
from accounts.roles import Permission
from rag.queries.knowledge_bases import access_knowledge_base, may_change_base


class KnowledgePage(OrganizationPage):
    """A page about one knowledge base; ``to`` is what it takes to open it."""

    tab: ClassVar[str] = ""
    to: ClassVar[Permission] = Permission.SEE
    is_long: ClassVar[bool] = False
    """Whether looking at it takes a while: then no transaction is held open for it."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Look at a long page without a transaction around it."""
        if self.is_long and request.user.is_authenticated:
            return View.dispatch(self, request, *args, **kwargs)
        return super().dispatch(request, *args, **kwargs)

    @cached_property
    def base(self) -> Any:
        """The knowledge base it is about. Raises KnowledgeBaseNotFound kinds, NotAllowed."""
        return access_knowledge_base(self.actor, self.kwargs["base"], to=self.to)

    def page(self, request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
        """Render the page under its tab."""
        about = {"tab": self.tab, "base": self.base, "may_write": may_change_base(self.actor, self.base)}
        return super().page(request, status=status, **{**about, **context})

    def done(self, text: str, *, to: str = "knowledge-base", **place: Any) -> HttpResponse:
        """Say what was done and go on, so that a reload repeats nothing."""
        messages.success(self.request, text)
        return redirect(reverse(to, kwargs={"base": self.base.pk, **place}))

    def attempt(self, deed: Callable[[], Any], *, said: str, to: str = "knowledge-base") -> HttpResponse:
        """Do something and go back; where it cannot be done now, say why there."""
        try:
            deed()
        except MENDABLE as error:
            messages.error(self.request, error.message)
            return redirect(reverse(to, kwargs={"base": self.base.pk}))
        return self.done(said, to=to)
