# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages of accounts."""

from django.contrib.auth.mixins import LoginRequiredMixin
from django.views.generic import TemplateView


class HomeView(LoginRequiredMixin, TemplateView):
    """Where a person lands."""

    template_name = "accounts/home.html"
