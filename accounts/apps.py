# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Accounts' entry in Django: refuses to start where the database's wall would not hold."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class AccountsConfig(AppConfig):
    """People, organizations, roles."""

    name = "accounts"

    def ready(self) -> None:
        from accounts import signals
        from accounts.checks import refuse_powerful_role

        connection_created.connect(refuse_powerful_role, dispatch_uid="accounts.refuse_powerful_role")
        signals.listen()
