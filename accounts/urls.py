# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages of accounts."""

from django.urls import path

from accounts import views

urlpatterns = [path("", views.HomeView.as_view(), name="home")]
