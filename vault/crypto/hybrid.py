# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The hybrid wrap: a key is closed to X25519 and to ML-KEM-768 at once, and stays shut while either of them holds.

The two shared secrets become one key by HKDF-SHA256 over both of them, bound to both ciphertexts and both public keys.
That is the concatenating combiner of Giacon, Heuer and Poettering ("KEM Combiners", PKC 2018) in the order of X-Wing
(draft-connolly-cfrg-xwing-kem). X-Wing may leave ML-KEM's ciphertext and public key out of its hash; here they are in
it, so that nothing rests on how one of the two is built inside. It is not X-Wing itself and does not claim its format.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from codexos.kernel.sealing import (
    KEY_BYTES,
    MLKEM_CIPHERTEXT_BYTES,
    MLKEM_SEED_BYTES,
    associate,
    derive_key,
    hkdf_sha256,
    mlkem_encapsulate,
    mlkem_public,
    mlkem_shared,
    new_key,
    open_sealed,
    seal,
    x25519_public,
    x25519_shared,
)
from vault.crypto.keyring import Keyring, name_of
from vault.crypto.ports import WrappedKey
from vault.errors import MasterUnknown

PREFIX = "hybrid:"
_PURPOSE = "vault/hybrid-wrap"
_POINT_BYTES = 32


@dataclass(frozen=True, slots=True)
class _Pair:
    """Both key pairs of one master, made anew from it whenever it is given."""

    name: str
    x25519: bytes = field(repr=False)
    mlkem: bytes = field(repr=False)
    x25519_public: bytes
    mlkem_public: bytes

    @classmethod
    def of(cls, master: bytes) -> "_Pair":
        agreeing = derive_key(master, purpose=f"{_PURPOSE}/x25519")
        kem = derive_key(master, purpose=f"{_PURPOSE}/ml-kem-768", length=MLKEM_SEED_BYTES)
        return cls(hybrid_name(name_of(master)), agreeing, kem, x25519_public(agreeing), mlkem_public(kem))

    def combine(self, shared: tuple[bytes, bytes], sent: tuple[bytes, bytes]) -> bytes:
        about = associate(_PURPOSE, sent[0], self.mlkem_public, sent[1], self.x25519_public)
        return hkdf_sha256(b"".join(shared), salt=None, info=about, length=KEY_BYTES)

    def close(self, key: bytes, *, associated: bytes) -> bytes:
        once = new_key()
        shared_kem, ciphertext = mlkem_encapsulate(self.mlkem_public)
        sent = (ciphertext, x25519_public(once))
        wrapping = self.combine((shared_kem, x25519_shared(once, self.x25519_public)), sent)
        return b"".join(sent) + seal(wrapping, key, associated=self._about(associated))

    def open(self, data: bytes, *, associated: bytes) -> bytes:
        ends = MLKEM_CIPHERTEXT_BYTES, MLKEM_CIPHERTEXT_BYTES + _POINT_BYTES
        sent = (data[: ends[0]], data[ends[0] : ends[1]])
        shared = (mlkem_shared(self.mlkem, sent[0]), x25519_shared(self.x25519, sent[1]))
        return open_sealed(self.combine(shared, sent), data[ends[1] :], associated=self._about(associated))

    def _about(self, associated: bytes) -> bytes:
        return associate(self.name, associated)


class HybridKeyring:
    """Keeps the port KeyProvider around a Keyring: closes in hybrid, opens both kinds.

    So the setting may be changed at any time: what was wrapped before opens, and is wrapped anew when keys are rotated.
    """

    def __init__(self, masters: Sequence[bytes]) -> None:
        self._plain = Keyring(masters)
        self._pairs = {pair.name: pair for pair in map(_Pair.of, masters)}
        self._first = next(iter(self._pairs.values()))

    @property
    def master(self) -> str:
        """The name of the first master: ``hybrid:`` and what tells masters apart."""
        return self._first.name

    def wrap(self, key: bytes, *, associated: bytes) -> WrappedKey:
        """Close a key to both key pairs of the first master."""
        return WrappedKey(self._first.name, self._first.close(key, associated=associated))

    def unwrap(self, wrapped: WrappedKey, *, associated: bytes) -> bytes:
        """Open a key of either kind. Raises MasterUnknown, SealBroken."""
        if not wrapped.master.startswith(PREFIX):
            return self._plain.unwrap(wrapped, associated=associated)
        if wrapped.master not in self._pairs:
            raise MasterUnknown(master=wrapped.master)
        return self._pairs[wrapped.master].open(wrapped.data, associated=associated)


def hybrid_name(plain: str) -> str:
    """Return what the hybrid wrap under the master with this name is called."""
    return PREFIX + plain.partition(":")[2]
