# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The entry of vault in Django: refuses to start where the chosen keeper lacks a setting."""

from django.apps import AppConfig
from django.conf import settings
from django.db.backends.signals import connection_created


class VaultConfig(AppConfig):
    """See the package."""

    name = "vault"

    def ready(self) -> None:
        from accounts.operations.outbox import subscribe
        from vault.adapters.keys.chosen import check_keeper
        from vault.checks import refuse_missing_master
        from vault.operations.leaving import put_away_personal

        connection_created.connect(refuse_missing_master, dispatch_uid="vault.refuse_missing_master")
        subscribe("member.left", put_away_personal)
        if settings.VAULT_KEYS_FROM != "local":
            check_keeper()
