# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""AWS KMS, as far as Encrypt and Decrypt go: checks every signature by its own reading of Signature Version 4."""

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.fakes.keeper import Answer, Keeper

KEY_ID, SECRET, SESSION, REGION = "AKIDKMSEXAMPLE", "k3y/with+signs=", "session/tok3n==", "eu-test-1"
ARN = f"arn:aws:kms:{REGION}:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/kms/aws4_request, SignedHeaders=([^,]+), Signature=(\w{64})"
)
_SIGNED = {"content-type", "host", "x-amz-date", "x-amz-target"}


@dataclass
class AwsKey:
    """A key and what state it is in."""

    raw: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    state: str = "Enabled"


@dataclass
class Kms(Keeper):
    """The service and its keys. ``session`` is the token that must come along, signed."""

    keys: dict[str, AwsKey] = field(default_factory=lambda: {ARN: AwsKey()})
    session: str = ""
    is_session_over: bool = False
    is_denied: bool = False
    contexts: list[Mapping[str, str]] = field(default_factory=list)

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """See the API of the real one."""
        lowered = {name.lower(): value for name, value in headers.items()}
        if path != "/" or lowered.get("content-type") != "application/x-amz-json-1.1":
            return _fault("SerializationException")
        if (refusal := self._refusal(lowered, body)) is not None:
            return _fault(refusal)
        deed = lowered.get("x-amz-target", "").removeprefix("TrentService.")
        sent = json.loads(body)
        key = self.keys.get(sent.get("KeyId", ""))
        if key is None:
            return _fault("NotFoundException")
        if key.state != "Enabled":
            return _fault({"Disabled": "DisabledException"}.get(key.state, "KMSInvalidStateException"))
        self.contexts.append(sent.get("EncryptionContext", {}))
        deeds = {"Encrypt": self._encrypt, "Decrypt": self._decrypt}
        return deeds[deed](key, sent) if deed in deeds else _fault("UnknownOperationException")

    def _encrypt(self, key: AwsKey, sent: Mapping[str, Any]) -> Answer:
        nonce = secrets.token_bytes(12)
        plain = base64.b64decode(sent["Plaintext"], validate=True)
        closed = nonce + AESGCM(key.raw).encrypt(nonce, plain, _bound(sent))
        return 200, {"KeyId": sent["KeyId"], "CiphertextBlob": base64.b64encode(closed).decode()}

    def _decrypt(self, key: AwsKey, sent: Mapping[str, Any]) -> Answer:
        closed = base64.b64decode(sent["CiphertextBlob"], validate=True)
        try:
            plain = AESGCM(key.raw).decrypt(closed[:12], closed[12:], _bound(sent))
        except (InvalidTag, ValueError):
            return _fault("InvalidCiphertextException")
        return 200, {"KeyId": sent["KeyId"], "Plaintext": base64.b64encode(plain).decode()}

    def _refusal(self, headers: Mapping[str, str], body: bytes) -> str | None:
        found = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
        if found is None:
            return "MissingAuthenticationTokenException"
        key_id, day, region, names, signature = found.groups()
        if key_id != KEY_ID or headers.get("x-amz-security-token", "") != self.session:
            return "UnrecognizedClientException"
        needed = _SIGNED | ({"x-amz-security-token"} if self.session else set())
        is_now = abs(datetime.now(UTC) - _moment(headers["x-amz-date"])) < timedelta(minutes=5)
        expected = _signature(headers, names, body, scope=f"{day}/{region}/kms/aws4_request")
        if not (needed <= set(names.split(";")) and is_now and region == REGION and signature == expected):
            return "InvalidSignatureException"
        if self.is_session_over:
            return "ExpiredTokenException"
        return "AccessDeniedException" if self.is_denied else None


def _signature(headers: Mapping[str, str], names: str, body: bytes, *, scope: str) -> str:
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in names.split(";"))
    canonical = "\n".join(["POST", "/", "", lines, names, hashlib.sha256(body).hexdigest()])
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hashed])
    key = f"AWS4{SECRET}".encode()
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")
    return hmac.new(key, to_sign.encode(), "sha256").hexdigest()


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _bound(sent: Mapping[str, Any]) -> bytes:
    return json.dumps(sent.get("EncryptionContext", {}), sort_keys=True).encode()


def _fault(kind: str) -> Answer:
    return 400, {"__type": f"com.amazonaws.kms#{kind}", "message": "refused"}
