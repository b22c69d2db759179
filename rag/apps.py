# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The entry of rag in Django."""

from django.apps import AppConfig


class RagConfig(AppConfig):
    """See the package."""

    name = "rag"
