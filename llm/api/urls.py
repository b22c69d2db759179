# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The API routes of llm, below /api/v1/."""

from django.urls import path

from llm.api import views

urlpatterns = [path("models/", views.ModelList.as_view())]
