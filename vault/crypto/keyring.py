# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Master keys that this installation holds itself: the first closes, all of them open."""

from collections.abc import Sequence

from codexos.kernel.sealing import derive_key, mac, open_sealed, seal
from vault.crypto.ports import WrappedKey
from vault.errors import MasterUnknown

PURPOSE = "vault/organization-keys"


class Keyring:
    """Keeps the port KeyProvider with master keys from the environment or a file.

    To change the master, a new one is put first; the old one stays behind it until everything is wrapped anew.
    """

    def __init__(self, masters: Sequence[bytes]) -> None:
        self._keys = {name_of(master): derive_key(master, purpose=PURPOSE) for master in masters}
        self._first = next(iter(self._keys))

    @property
    def master(self) -> str:
        """The name of the first master."""
        return self._first

    def wrap(self, key: bytes, *, associated: bytes) -> WrappedKey:
        """Close a key under the first master."""
        return WrappedKey(self._first, seal(self._keys[self._first], key, associated=associated))

    def unwrap(self, wrapped: WrappedKey, *, associated: bytes) -> bytes:
        """Open a key under the master it names. Raises MasterUnknown, SealBroken."""
        if wrapped.master not in self._keys:
            raise MasterUnknown(master=wrapped.master)
        return open_sealed(self._keys[wrapped.master], wrapped.data, associated=associated)


def name_of(master: bytes) -> str:
    """Return a name that tells masters apart and tells nothing about them: a MAC over a fixed text, cut to 64 bits."""
    return f"local:{mac(derive_key(master, purpose='vault/master-name'), b'name').hex()[:16]}"
