# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The entry of vault in Django."""

from django.apps import AppConfig


class VaultConfig(AppConfig):
    """See the package."""

    name = "vault"

    def ready(self) -> None:
        from accounts.operations.outbox import subscribe
        from vault.operations.leaving import put_away_personal

        subscribe("member.left", put_away_personal)
