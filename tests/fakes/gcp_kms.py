# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Google Cloud KMS with its token endpoint and a machine's metadata server: checks statements, data and checksums."""

import base64
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from tests.fakes.keeper import Answer, Keeper

EMAIL, KEY_ID = "keeper@codexos-test.iam.gserviceaccount.com", "k1d"
NAME = "projects/codexos-test/locations/europe-west3/keyRings/vault/cryptoKeys/master"
_SCOPE = "https://www.googleapis.com/auth/cloudkms"
_METADATA = "/computeMetadata/v1/instance/service-accounts/default/token"


@cache
def made_key(number: int) -> rsa.RSAPrivateKey:
    """Return a key of an account, made once in a test run."""
    return rsa.generate_private_key(65537, 2048)


@dataclass
class GcpKey:
    """A key and what state its version is in."""

    raw: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    state: str = "ENABLED"


@dataclass
class CloudKms(Keeper):
    """The service, its keys, and whoever gives tokens for it. ``damages`` names a field that changes on its way."""

    keys: dict[str, GcpKey] = field(default_factory=lambda: {NAME: GcpKey()})
    account_key: rsa.RSAPrivateKey = field(default_factory=lambda: made_key(0))
    tokens: set[str] = field(default_factory=set)
    token_seconds: int = 3600
    token_count: int = 0
    is_denied: bool = False
    damages: str = ""
    is_google: bool = True

    @property
    def credentials(self) -> str:
        """The JSON file of the service account, as it is handed out."""
        pem = self.account_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return json.dumps(
            {
                "type": "service_account",
                "client_email": EMAIL,
                "private_key_id": KEY_ID,
                "private_key": pem.decode(),
                "token_uri": f"{self.url}/token",
            }
        )

    def extra_headers(self) -> dict[str, str]:
        """What tells Google's metadata server from another one."""
        return {"Metadata-Flavor": "Google"} if self.is_google else {}

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """See the API of the real one."""
        if path == "/token":
            return self._token() if self._is_stated(body) else (400, {"error": "invalid_grant"})
        if path == _METADATA:
            is_asked_for = headers.get("Metadata-Flavor") == "Google"
            return self._token() if is_asked_for else (403, {"error": "Missing Metadata-Flavor:Google header."})
        if headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return _error(401, "UNAUTHENTICATED")
        if self.is_denied:
            return _error(403, "PERMISSION_DENIED")
        name, _, deed = path.removeprefix("/v1/").partition(":")
        if name not in self.keys:
            return _error(404, "NOT_FOUND")
        if self.keys[name].state != "ENABLED":
            return _error(400, "FAILED_PRECONDITION")
        deeds = {"encrypt": self._encrypt, "decrypt": self._decrypt}
        return deeds[deed](self.keys[name], json.loads(body)) if deed in deeds else _error(404, "NOT_FOUND")

    def _token(self) -> Answer:
        self.token_count += 1
        token = f"ya29.{secrets.token_urlsafe(24)}"
        self.tokens.add(token)
        return 200, {"access_token": token, "expires_in": self.token_seconds, "token_type": "Bearer"}

    def _is_stated(self, body: bytes) -> bool:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
            return False
        head, claims, signature = form["assertion"].split(".")
        try:
            self.account_key.public_key().verify(
                _decoded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), SHA256()
            )
        except InvalidSignature:
            return False
        said, now = json.loads(_decoded(claims)), time.time()
        is_ours = (said["iss"], said["scope"], said["aud"]) == (EMAIL, _SCOPE, f"{self.url}/token")
        is_now = abs(now - said["iat"]) < 300 and now < said["exp"] <= said["iat"] + 3600
        return is_ours and is_now and json.loads(_decoded(head)) == {"alg": "RS256", "typ": "JWT", "kid": KEY_ID}

    def _encrypt(self, key: GcpKey, sent: Mapping[str, Any]) -> Answer:
        plain, associated = self._read(sent, "plaintext"), self._read(sent, "additionalAuthenticatedData")
        if plain is None or associated is None:
            return _error(400, "INVALID_ARGUMENT")
        nonce = secrets.token_bytes(12)
        closed = nonce + AESGCM(key.raw).encrypt(nonce, plain, associated)
        said = {
            "name": f"{NAME}/cryptoKeyVersions/1",
            "verifiedPlaintextCrc32c": "plaintextCrc32c" in sent and self.damages != "verified",
            "verifiedAdditionalAuthenticatedDataCrc32c": "additionalAuthenticatedDataCrc32c" in sent,
        }
        return 200, {**said, **self._write("ciphertext", closed)}

    def _decrypt(self, key: GcpKey, sent: Mapping[str, Any]) -> Answer:
        closed, associated = self._read(sent, "ciphertext"), self._read(sent, "additionalAuthenticatedData")
        if closed is None or associated is None:
            return _error(400, "INVALID_ARGUMENT")
        try:
            plain = AESGCM(key.raw).decrypt(closed[:12], closed[12:], associated)
        except (InvalidTag, ValueError):
            return _error(400, "INVALID_ARGUMENT")
        return 200, {**self._write("plaintext", plain), "usedPrimary": True}

    def _read(self, sent: Mapping[str, Any], name: str) -> bytes | None:
        raw = base64.b64decode(sent[name], validate=True)
        return raw if sent.get(f"{name}Crc32c") == str(checksum(raw)) else None

    def _write(self, name: str, raw: bytes) -> dict[str, str]:
        sent = raw[:-1] + bytes([raw[-1] ^ 1]) if self.damages == name else raw
        return {name: base64.b64encode(sent).decode(), f"{name}Crc32c": str(checksum(raw))}


def checksum(data: bytes) -> int:
    """Return CRC-32C bit by bit, as its definition has it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 * (crc & 1))
    return crc ^ 0xFFFFFFFF


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _error(status: int, kind: str) -> Answer:
    return status, {"error": {"code": status, "message": "refused", "status": kind}}
