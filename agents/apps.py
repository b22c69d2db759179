# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The entry of agents in Django."""

from django.apps import AppConfig


class AgentsConfig(AppConfig):
    """See the package."""

    name = "agents"
