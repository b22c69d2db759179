# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Loads Celery with Django, so that importing the kernel alone starts nothing."""

from django.apps import AppConfig


class CodexosConfig(AppConfig):
    """The roof."""

    name = "codexos"

    def ready(self) -> None:
        from codexos.celery import app

        app.set_default()
