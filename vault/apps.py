# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The entry of vault in Django."""

from django.apps import AppConfig


class VaultConfig(AppConfig):
    """See the package."""

    name = "vault"
