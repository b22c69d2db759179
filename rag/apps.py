# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The entry of rag in Django."""

from django.apps import AppConfig


class RagConfig(AppConfig):
    """Files of projects, and what is found in them."""

    name = "rag"

    def ready(self) -> None:
        from accounts.operations.outbox import subscribe
        from rag.operations.attending import on_file_stored

        subscribe("file.stored", on_file_stored)
