# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The entry of agents in Django."""

from celery import current_app
from django.apps import AppConfig


class AgentsConfig(AppConfig):
    """Flows, runs, tools."""

    name = "agents"

    def ready(self) -> None:
        from agents.workers.node import FlowWorkerStep

        current_app.steps["worker"].add(FlowWorkerStep)
