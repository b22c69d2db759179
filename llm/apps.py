# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The entry of llm in Django."""

from django.apps import AppConfig


class LlmConfig(AppConfig):
    """See the package."""

    name = "llm"
