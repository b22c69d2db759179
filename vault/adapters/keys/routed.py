# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Several keepers as one: the first closes, and each opens what it has closed itself."""

from collections.abc import Callable, Mapping

from vault.crypto.ports import KeyProvider, WrappedKey
from vault.errors import MasterUnknown


class RoutedKeys:
    """Keeps the port KeyProvider by keepers that are told apart by the word before the colon of a master's name.

    A keeper that only opens is made when it is first needed: while nobody asks it, it may be away.
    """

    def __init__(self, closes: KeyProvider, opens: Mapping[str, Callable[[], KeyProvider]]) -> None:
        self._closes = closes
        self._opens = opens
        self._made: dict[str, KeyProvider] = {closes.master.partition(":")[0]: closes}

    @property
    def master(self) -> str:
        """The name of the master that closes."""
        return self._closes.master

    def wrap(self, key: bytes, *, associated: bytes) -> WrappedKey:
        """See the port."""
        return self._closes.wrap(key, associated=associated)

    def unwrap(self, wrapped: WrappedKey, *, associated: bytes) -> bytes:
        """See the port."""
        return self._keeper(wrapped.master).unwrap(wrapped, associated=associated)

    def _keeper(self, master: str) -> KeyProvider:
        kind = master.partition(":")[0]
        if kind not in self._made:
            if kind not in self._opens:
                raise MasterUnknown(master=master)
            self._made[kind] = self._opens[kind]()
        return self._made[kind]
