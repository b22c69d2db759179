# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Every route of the product on one page."""

from django.urls import include, path

from accounts.admin import console
from agents.api.urls import short_doors as doors_of_agents
from codexos import api_docs, health
from vault.api.urls import short_doors as doors_of_vault

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("admin/", console.urls),
    path("api/v1/schema/", api_docs.schema, name="schema"),
    path("api/docs/", api_docs.operations, name="api-docs"),
    path("api/docs/errors/", api_docs.errors, name="api-errors"),
    path("api/v1/", include("accounts.api.urls")),
    path("api/v1/", include("vault.api.urls")),
    path("api/v1/", include("llm.api.urls")),
    path("api/v1/", include("rag.api.urls")),
    path("api/v1/", include("agents.api.urls")),
    *doors_of_agents,
    *doors_of_vault,
    path("account/", include("allauth.urls")),
    path("", include("vault.urls")),
    path("", include("rag.urls")),
    path("", include("agents.urls")),
    path("", include("accounts.urls")),
]

handler400 = "codexos.error_pages.bad_request"
handler403 = "codexos.error_pages.permission_denied"
handler404 = "codexos.error_pages.page_not_found"
handler429 = "codexos.error_pages.too_many"
handler500 = "codexos.error_pages.server_error"
