# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rows of vault: ciphertext only."""

from vault.models.keys import VaultKey
from vault.models.secrets import Origin, RotateBy, Secret, SecretKind, SecretScope, SecretVersion
from vault.models.sharing import Effect, SecretReference, SecretShare, TagRule

__all__ = [
    "Effect",
    "Origin",
    "RotateBy",
    "Secret",
    "SecretKind",
    "SecretReference",
    "SecretScope",
    "SecretShare",
    "SecretVersion",
    "TagRule",
    "VaultKey",
]
