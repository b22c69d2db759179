# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The model gateway as Django knows it."""

from django.apps import AppConfig


class LlmConfig(AppConfig):
    """Model routes, prices and budgets."""

    name = "llm"
    default_auto_field = "django.db.models.BigAutoField"
