# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Every route of the product on one page."""

from importlib import import_module

from django.urls import URLPattern, URLResolver, include, path

from accounts.admin import console
from agents.api.urls import short_doors as doors_of_agents
from codexos import api_docs, health
from rag.api.urls import short_doors as doors_of_rag
from vault.api.urls import short_doors as doors_of_vault


def by_word(*modules: str) -> list[URLPattern | URLResolver]:
    """Return the routes of apps by their first word: an address is compared only with those that begin as it does."""
    groups: dict[str, list[URLPattern]] = {}
    for route in (route for module in modules for route in import_module(module).urlpatterns):
        word, stroke, rest = str(route.pattern).partition("/")
        groups.setdefault(word + stroke, []).append(path(rest, route.callback, route.default_args, route.name))
    return [path(word, include(routes)) for word, routes in groups.items()]


urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("admin/", console.urls),
    path("api/v1/schema/", api_docs.schema, name="schema"),
    path("api/docs/", api_docs.operations, name="api-docs"),
    path("api/docs/errors/", api_docs.errors, name="api-errors"),
    path(
        "api/v1/",
        include(by_word("accounts.api.urls", "vault.api.urls", "llm.api.urls", "rag.api.urls", "agents.api.urls")),
    ),
    *doors_of_agents,
    *doors_of_rag,
    *doors_of_vault,
    path("account/", include("allauth.urls")),
    path("", include("vault.urls")),
    path("", include("llm.urls")),
    path("", include("rag.urls")),
    path("", include("agents.urls")),
    path("", include("accounts.urls")),
]

handler400 = "codexos.error_pages.bad_request"
handler403 = "codexos.error_pages.permission_denied"
handler404 = "codexos.error_pages.page_not_found"
handler429 = "codexos.error_pages.too_many"
handler500 = "codexos.error_pages.server_error"
