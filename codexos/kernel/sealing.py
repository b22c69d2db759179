# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The one door to cryptography: derive keys, seal and open, authenticate, sign. No other module imports the library."""

import hashlib
import hmac
import struct
from secrets import token_bytes

from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from codexos.kernel.errors import Broken

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
MLKEM_SEED_BYTES = 64
MLKEM_CIPHERTEXT_BYTES = 1088
_HMAC_BLOCK_BYTES = 64


class SealBroken(Broken):
    """A sealed value does not open: wrong key, another place than it was sealed for, or tampered with."""

    def __init__(self) -> None:
        # Never says which of the three it was: the difference would help only someone who is guessing.
        super().__init__("A sealed value does not open with this key in this place. Check the master key.")


class KeyInvalid(Broken):
    """A key has a length no key of its kind can have."""

    def __init__(self, *, expected: int, found: int) -> None:
        super().__init__(f"A key must have {expected} bytes, this one has {found}. Make a new one with new_key().")


class SigningKeyInvalid(Broken):
    """A signing key cannot be read. Nothing of it is repeated."""

    def __init__(self) -> None:
        super().__init__("A signing key is no RSA key in PEM without a password. Copy it again from where it was made.")


def new_key() -> bytes:
    """Return 32 fresh random bytes, fit for seal, mac and sign."""
    return token_bytes(KEY_BYTES)


def hkdf_sha256(secret: bytes, *, salt: bytes | None, info: bytes, length: int) -> bytes:
    """Return ``length`` bytes derived from ``secret`` (RFC 5869). Prefer derive_key."""
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)


def derive_key(master: bytes, *, purpose: str, length: int = KEY_BYTES) -> bytes:
    """Return the key of ``purpose`` under ``master``: two purposes never share one. Raises KeyInvalid."""
    if len(master) < KEY_BYTES:
        raise KeyInvalid(expected=KEY_BYTES, found=len(master))
    return hkdf_sha256(master, salt=None, info=associate("codexos", purpose), length=length)


def associate(*parts: bytes | str) -> bytes:
    """Return the parts as one string from which they can be told apart again: ("ab", "c") is not ("a", "bc")."""
    encoded = [part.encode() if isinstance(part, str) else part for part in parts]
    return b"".join(struct.pack(">Q", len(part)) + part for part in encoded)


def seal(key: bytes, plaintext: bytes, *, associated: bytes) -> bytes:
    """Return nonce + ciphertext + tag (AES-256-GCM), bound to ``associated``. Raises KeyInvalid."""
    nonce = token_bytes(NONCE_BYTES)
    return nonce + _cipher(key).encrypt(nonce, plaintext, associated)


def open_sealed(key: bytes, sealed: bytes, *, associated: bytes) -> bytes:
    """Return what ``seal`` was given. Raises SealBroken where anything at all differs, KeyInvalid."""
    if len(sealed) < NONCE_BYTES + TAG_BYTES:
        raise SealBroken
    try:
        return _cipher(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated)
    except InvalidTag:
        raise SealBroken from None


def mac(key: bytes, message: bytes) -> bytes:
    """Return the HMAC-SHA256 of ``message`` (RFC 2104)."""
    return hmac.digest(key, message, hashlib.sha256)


def is_same(left: bytes, right: bytes) -> bool:
    """Compare two secrets in a time that tells nothing about where they differ."""
    return hmac.compare_digest(left, right)


def hmac_pads(key: bytes) -> tuple[bytes, bytes]:
    """Return (inner, outer): HMAC-SHA256(m) = sha256(outer || sha256(inner || m)).

    For a database that has sha256() but no HMAC: it is given the pads, never the key.
    """
    block = hashlib.sha256(key).digest() if len(key) > _HMAC_BLOCK_BYTES else key
    padded = block.ljust(_HMAC_BLOCK_BYTES, b"\0")
    return bytes(byte ^ 0x36 for byte in padded), bytes(byte ^ 0x5C for byte in padded)


def verifying_key(seed: bytes) -> bytes:
    """Return the public half (32 bytes) of the Ed25519 key made from ``seed``. Raises KeyInvalid."""
    return _signing_key(seed).public_key().public_bytes_raw()


def sign(seed: bytes, message: bytes) -> bytes:
    """Return the Ed25519 signature (64 bytes; RFC 8032): same seed and message, same signature. Raises KeyInvalid."""
    return _signing_key(seed).sign(message)


def is_signed(public_key: bytes, message: bytes, *, signature: bytes) -> bool:
    """Tell whether ``signature`` was made over ``message`` by the seed behind ``public_key``. Raises KeyInvalid."""
    _check_length(public_key)
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def sign_rs256(pem: str, message: bytes) -> bytes:
    """Return the RSA signature that a JWT calls RS256 (RFC 7518, 3.3). Raises SigningKeyInvalid."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SigningKeyInvalid from None
    if not isinstance(key, RSAPrivateKey):
        raise SigningKeyInvalid
    return key.sign(message, PKCS1v15(), SHA256())


def x25519_public(seed: bytes) -> bytes:
    """Return the public half (32 bytes) of the X25519 key that ``seed`` is (RFC 7748). Raises KeyInvalid."""
    return _agreeing_key(seed).public_key().public_bytes_raw()


def x25519_shared(seed: bytes, public_key: bytes) -> bytes:
    """Return the 32 bytes that the holders of two keys share. Raises SealBroken for a public key that is none."""
    try:
        return _agreeing_key(seed).exchange(X25519PublicKey.from_public_bytes(public_key))
    except ValueError:
        raise SealBroken from None


def mlkem_public(seed: bytes) -> bytes:
    """Return the public half (1184 bytes) of the ML-KEM-768 key made from a seed of 64 bytes (FIPS 203)."""
    return _kem_key(seed).public_key().public_bytes_raw()


def mlkem_encapsulate(public_key: bytes) -> tuple[bytes, bytes]:
    """Return a fresh shared secret of 32 bytes, and the ciphertext from which its key's holder has it too."""
    return MLKEM768PublicKey.from_public_bytes(public_key).encapsulate()


def mlkem_shared(seed: bytes, ciphertext: bytes) -> bytes:
    """Return the shared secret in ``ciphertext``; one that was tampered with gives another. Raises SealBroken."""
    if len(ciphertext) != MLKEM_CIPHERTEXT_BYTES:
        raise SealBroken
    return _kem_key(seed).decapsulate(ciphertext)


def _agreeing_key(seed: bytes) -> X25519PrivateKey:
    _check_length(seed)
    return X25519PrivateKey.from_private_bytes(seed)


def _kem_key(seed: bytes) -> MLKEM768PrivateKey:
    if len(seed) != MLKEM_SEED_BYTES:
        raise KeyInvalid(expected=MLKEM_SEED_BYTES, found=len(seed))
    return MLKEM768PrivateKey.from_seed_bytes(seed)


def _cipher(key: bytes) -> AESGCM:
    _check_length(key)
    return AESGCM(key)


def _signing_key(seed: bytes) -> Ed25519PrivateKey:
    _check_length(seed)
    return Ed25519PrivateKey.from_private_bytes(seed)


def _check_length(key: bytes) -> None:
    if len(key) != KEY_BYTES:
        raise KeyInvalid(expected=KEY_BYTES, found=len(key))
