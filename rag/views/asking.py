# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The inspector: a question, what is found for it and why, and another setting beside it."""

from dataclasses import dataclass, replace

from django.http import HttpRequest, HttpResponse

from codexos.kernel.errors import CodexosError
from rag.forms.asking import FiltersForm, asked_of, settings_form
from rag.forms.knowledge import SearchForm, are_valid
from rag.operations.inspecting import Inspected, inspect
from rag.views.shell import KnowledgePage


@dataclass(frozen=True, slots=True)
class Side:
    """What one setting answers, or why it does not."""

    key: str
    form: SearchForm
    found: Inspected | None = None
    refused: str = ""


class AskPage(KnowledgePage):
    """A question to a knowledge base, and its passages with how each was found."""

    template_name = "rag/ask.html"
    tab = "ask"
    is_long = True

    def get(self, request: HttpRequest, base: str) -> HttpResponse:
        """Ask, once or with two settings side by side."""
        text, is_compared = request.GET.get("q", "").strip(), "compare" in request.GET
        filters = FiltersForm(request.GET)
        forms = [settings_form(request.GET, self.base, prefix=key) for key in ("a", "b")[: 1 + is_compared]]
        is_asked = bool(text) and filters.is_valid() and are_valid(forms)
        sides = [self._side(form, text, filters) if is_asked else Side(str(form.prefix), form) for form in forms]
        if is_asked and is_compared and sides[0].found and sides[1].found:
            sides[1] = replace(sides[1], found=sides[1].found.against(sides[0].found))
        return self.page(
            request,
            sides=sides,
            q=text,
            filters=filters,
            is_compared=is_compared,
            is_asked=is_asked,
            other=self._other(is_compared=is_compared),
        )

    def _other(self, *, is_compared: bool) -> str:
        """Return the address of the same question with one setting more, or less."""
        query = self.request.GET.copy()
        for name in [name for name in query if name == "compare" or name.startswith("b-")]:
            del query[name]
        if not is_compared:
            query["compare"] = "1"
        return f"?{query.urlencode()}"

    def _side(self, form: SearchForm, text: str, filters: FiltersForm) -> Side:
        key = str(form.prefix)
        try:
            return Side(key, form, found=inspect(self.actor, self.base, asked_of(text, form, filters.filters())))
        except CodexosError as error:
            return Side(key, form, refused=error.message)
