# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the vault's envelope is timed beside: AES-256-GCM as it is, and Fernet; ours through the vault's own code."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from codexos.kernel.ids import new_id
from vault.crypto.envelope import OrganizationKey, Place, open_value, seal_value


@dataclass(frozen=True)
class Cipher:
    """A way of sealing, as it is called for each value."""

    system: str
    seal: Callable[[bytes], Any]
    open: Callable[[Any], bytes]

    def sealing_seconds(self, value: bytes, *, count: int) -> float:
        """Return how long so many seals take this process."""
        began = time.process_time()
        for _time in range(count):
            self.seal(value)
        return time.process_time() - began

    def opening_seconds(self, value: bytes, *, count: int) -> float:
        """Return how long so many opens take this process, each of another sealed value among a few."""
        sealed = [self.seal(value) for _time in range(100)]
        began = time.process_time()
        for number in range(count):
            self.open(sealed[number % 100])
        return time.process_time() - began


def _ours() -> Cipher:
    key = OrganizationKey.fresh(new_id(), version=1)
    place = Place(key.organization, new_id(), 1)
    return Cipher(
        "codexos",
        lambda value: seal_value(key, value, place=place),
        lambda envelope: open_value(key, envelope, place=place),
    )


def _aes_gcm() -> Cipher:
    cipher, associated = AESGCM(AESGCM.generate_key(256)), b"associated"

    def close(value: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + cipher.encrypt(nonce, value, associated)

    return Cipher("aes-256-gcm", close, lambda sealed: cipher.decrypt(sealed[:12], sealed[12:], associated))


def _fernet() -> Cipher:
    cipher = Fernet(Fernet.generate_key())
    return Cipher("fernet", cipher.encrypt, cipher.decrypt)


CIPHERS: Sequence[Cipher] = (_ours(), _aes_gcm(), _fernet())
