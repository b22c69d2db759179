# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A keeper outside is taken at its deeds: what it closed must open again here, and in no other place."""

from codexos.kernel.sealing import SealBroken, is_same
from vault.crypto.ports import KeyProvider, WrappedKey
from vault.errors import KeyUnavailable

_ELSEWHERE = b"\0in no place at all"


class ProvenKeys:
    """Keeps the port KeyProvider by another one, and hands out no wrap that it has not opened.

    A key that is closed and never opens again would take everything under it along. And some keepers leave out what
    they do not understand: an old server, or a key of a kind without associated data, would bind a wrap to no place.
    """

    def __init__(self, keeper: KeyProvider) -> None:
        self._keeper = keeper
        self._binds = False

    @property
    def master(self) -> str:
        """See the port."""
        return self._keeper.master

    def wrap(self, key: bytes, *, associated: bytes) -> WrappedKey:
        """See the port. Asks the keeper once more, and twice the first time."""
        wrapped = self._keeper.wrap(key, associated=associated)
        self._check_opens(wrapped, key, associated=associated)
        if not self._binds:
            self._check_binds(wrapped, associated=associated)
            self._binds = True
        return wrapped

    def unwrap(self, wrapped: WrappedKey, *, associated: bytes) -> bytes:
        """See the port."""
        return self._keeper.unwrap(wrapped, associated=associated)

    def _check_opens(self, wrapped: WrappedKey, key: bytes, *, associated: bytes) -> None:
        try:
            is_whole = is_same(self._keeper.unwrap(wrapped, associated=associated), key)
        except SealBroken:
            is_whole = False
        if not is_whole:
            raise KeyUnavailable(master=self.master, because="what its keeper closes does not open again")

    def _check_binds(self, wrapped: WrappedKey, *, associated: bytes) -> None:
        try:
            self._keeper.unwrap(wrapped, associated=associated + _ELSEWHERE)
        except SealBroken:
            return
        because = "its keeper takes no notice of associated data; use a kind of key or a version that does"
        raise KeyUnavailable(master=self.master, because=because)
