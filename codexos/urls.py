# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Every route of the product on one page."""

from django.contrib import admin
from django.urls import include, path

from codexos import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("accounts.api.urls")),
    path("api/v1/", include("rag.api.urls")),
    path("api/v1/", include("agents.api.urls")),
    path("account/", include("allauth.urls")),
    path("", include("accounts.urls")),
]
