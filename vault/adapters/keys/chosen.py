# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The keeper that the settings choose. Whoever closes keys now, keys that were closed by others before still open."""

import os
from functools import lru_cache

from django.conf import settings

from vault.crypto.hybrid import HybridKeyring
from vault.crypto.keyring import Keyring
from vault.crypto.ports import KeyProvider, WrappedKey


def key_provider() -> KeyProvider:
    """Return the keeper of this process; a forked process makes its own, for connections are not shared."""
    return _made_by(os.getpid())


def forget_keeper() -> None:
    """Have the next one who asks for the keeper read the settings again."""
    _made_by.cache_clear()


@lru_cache(maxsize=1)
def _made_by(process: int) -> KeyProvider:
    return local_keeper()


def local_keeper() -> KeyProvider:
    """Return the keys given to this installation itself; plain and hybrid wraps are opened either way."""
    both = HybridKeyring(settings.VAULT_KEYS)
    return both if settings.VAULT_HYBRID else _Local(Keyring(settings.VAULT_KEYS), both)


class _Local:
    """Closes plainly, opens both kinds."""

    def __init__(self, plain: Keyring, both: HybridKeyring) -> None:
        self._plain = plain
        self._both = both

    @property
    def master(self) -> str:
        return self._plain.master

    def wrap(self, key: bytes, *, associated: bytes) -> WrappedKey:
        return self._plain.wrap(key, associated=associated)

    def unwrap(self, wrapped: WrappedKey, *, associated: bytes) -> bytes:
        return self._both.unwrap(wrapped, associated=associated)
