# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The entry of rag in Django."""

from django.apps import AppConfig


class RagConfig(AppConfig):
    """Files of projects, and what is found in them."""

    name = "rag"
