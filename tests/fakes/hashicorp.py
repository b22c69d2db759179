# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""HashiCorp Vault, as far as its transit engine and AppRole go: policies, versions, associated data, derived keys."""

import base64
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tests.fakes.keeper import Answer, Keeper

ROLE, ROLE_SECRET = "role-1f4c", "s3cr3t-id-9a0b"
_DEED = re.compile(r"/v1/(?P<mount>[\w/-]+)/(?P<deed>encrypt|decrypt)/(?P<key>[\w-]+)")
_CIPHERTEXT = re.compile(r"vault:v(\d+):(.+)")
_FIELDS = {
    "encrypt": {"plaintext", "associated_data", "context"},
    "decrypt": {"ciphertext", "associated_data", "context"},
}


@dataclass
class TransitKey:
    """A key of the engine and its versions."""

    versions: list[bytes] = field(default_factory=lambda: [secrets.token_bytes(32)])
    least_version: int = 1
    is_derived: bool = False


@dataclass
class Transit(Keeper):
    """The engine and what may be used of it. ``is_deaf`` leaves associated data unread, as versions before 1.12 do."""

    keys: dict[str, TransitKey] = field(default_factory=lambda: {"codexos": TransitKey()})
    mount: str = "transit"
    namespace: str = ""
    tokens: set[str] = field(default_factory=set)
    lease_seconds: int = 3600
    sign_ins: int = 0
    is_sealed: bool = False
    is_deaf: bool = False

    def give_token(self) -> str:
        """Return a new token that may use the keys."""
        token = f"hvs.{secrets.token_urlsafe(24)}"
        self.tokens.add(token)
        return token

    def rotate(self, key: str = "codexos") -> None:
        """Add a version."""
        self.keys[key].versions.append(secrets.token_bytes(32))

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """See the API of the real one."""
        if self.is_sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if headers.get("X-Vault-Namespace", "") != self.namespace:
            return 404, {"errors": ["no handler for route"]}
        try:
            sent = json.loads(body)
        except ValueError:
            return 400, {"errors": ["failed to parse JSON input"]}
        if path == "/v1/auth/approle/login":
            return self._sign_in(sent)
        if headers.get("X-Vault-Token") not in self.tokens:
            return 403, {"errors": ["permission denied"]}
        return self._use(path, sent)

    def _sign_in(self, sent: Mapping[str, Any]) -> Answer:
        if (sent.get("role_id"), sent.get("secret_id")) != (ROLE, ROLE_SECRET):
            return 400, {"errors": ["invalid role or secret ID"]}
        self.sign_ins += 1
        return 200, {"auth": {"client_token": self.give_token(), "lease_duration": self.lease_seconds}}

    def _use(self, path: str, sent: Mapping[str, Any]) -> Answer:
        found = _DEED.fullmatch(path)
        if found is None or found["mount"] != self.mount:
            return 404, {"errors": ["no handler for route"]}
        if not set(sent) <= _FIELDS[found["deed"]]:
            return 400, {"errors": ["this fake knows no such field"]}
        if found["key"] not in self.keys:
            # As the real one: who may only use keys cannot make one by naming it.
            return (403 if found["deed"] == "encrypt" else 400), {"errors": ["encryption key not found"]}
        key = self.keys[found["key"]]
        try:
            context = base64.b64decode(sent.get("context", ""), validate=True)
            associated = b"" if self.is_deaf else base64.b64decode(sent.get("associated_data", ""), validate=True)
        except ValueError:
            return 400, {"errors": ["failed to base64-decode"]}
        if key.is_derived and not context:
            return 400, {"errors": ["missing 'context' for key derivation"]}
        if found["deed"] == "encrypt":
            return _encrypt(key, sent, context=context, associated=associated)
        return _decrypt(key, sent, context=context, associated=associated)


def _encrypt(key: TransitKey, sent: Mapping[str, Any], *, context: bytes, associated: bytes) -> Answer:
    try:
        plain = base64.b64decode(sent["plaintext"], validate=True)
    except ValueError:
        return 400, {"errors": ["failed to base64-decode plaintext"]}
    nonce = secrets.token_bytes(12)
    closed = nonce + _cipher(key, len(key.versions), context).encrypt(nonce, plain, associated)
    text = f"vault:v{len(key.versions)}:{base64.b64encode(closed).decode()}"
    return 200, {"data": {"ciphertext": text, "key_version": len(key.versions)}}


def _decrypt(key: TransitKey, sent: Mapping[str, Any], *, context: bytes, associated: bytes) -> Answer:
    found = _CIPHERTEXT.fullmatch(sent["ciphertext"])
    if found is None:
        return 400, {"errors": ["invalid ciphertext: no prefix"]}
    if int(found[1]) > len(key.versions):
        return 400, {"errors": ["invalid ciphertext: version is too new"]}
    if int(found[1]) < key.least_version:
        return 400, {"errors": ["ciphertext or signature version is disallowed by policy (too old)"]}
    try:
        closed = base64.b64decode(found[2], validate=True)
        if len(closed) < 12:
            return 400, {"errors": ["invalid ciphertext length"]}
        plain = _cipher(key, int(found[1]), context).decrypt(closed[:12], closed[12:], associated)
    except ValueError:
        return 400, {"errors": ["invalid ciphertext: could not decode base64"]}
    except InvalidTag:
        return 400, {"errors": ["cipher: message authentication failed"]}
    return 200, {"data": {"plaintext": base64.b64encode(plain).decode()}}


def _cipher(key: TransitKey, version: int, context: bytes) -> AESGCM:
    raw = key.versions[version - 1]
    if key.is_derived:
        raw = HKDF(algorithm=SHA256(), length=32, salt=None, info=context).derive(raw)
    return AESGCM(raw)
