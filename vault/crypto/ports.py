# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the vault asks of whoever keeps the master key."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A key closed under a master key, and the name of that master: nothing in it is secret."""

    master: str
    data: bytes


class KeyProvider(Protocol):
    """Closes the keys of organizations under a master key, which never comes out of it where it is a KMS.

    ``associated`` binds a wrapped key to its place: it opens with the same bytes alone.
    """

    @property
    def master(self) -> str:
        """The name of the master key that ``wrap`` uses now, such as ``local:3f0c9a52e1b74d08``."""
        ...

    def wrap(self, key: bytes, *, associated: bytes) -> WrappedKey:
        """Close a key of 32 bytes under the present master. Raises KeyUnavailable."""
        ...

    def unwrap(self, wrapped: WrappedKey, *, associated: bytes) -> bytes:
        """Return the key; the master may be an earlier one that is still known.

        Raises KeyUnavailable where the keeper of the master cannot be asked or refuses, MasterUnknown where it never
        had that master, SealBroken where the wrapped key was tampered with or stands in another place.
        """
        ...
