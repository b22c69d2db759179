# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The entry of vault in Django: refuses to start where the chosen keeper lacks a setting."""

from django.apps import AppConfig
from django.conf import settings


class VaultConfig(AppConfig):
    """See the package."""

    name = "vault"

    def ready(self) -> None:
        from accounts.operations.outbox import subscribe
        from vault.adapters.keys.chosen import check_keeper
        from vault.operations.leaving import put_away_personal

        subscribe("member.left", put_away_personal)
        if settings.VAULT_KEYS_FROM != "local":
            check_keeper()
