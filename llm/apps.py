# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The entry of llm in Django."""

from django.apps import AppConfig


class LlmConfig(AppConfig):
    """See the package."""

    name = "llm"

    def ready(self) -> None:
        from accounts.operations.outbox import subscribe
        from llm.operations.budget_alerts import tell_people

        subscribe("budget.threshold_passed", tell_people)
