# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The API routes of rag, below /api/v1/."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
