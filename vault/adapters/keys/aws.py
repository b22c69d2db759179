# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keys of organizations, closed by AWS KMS: the master key never leaves it.

The place a key belongs to is the encryption context, so that a ciphertext opens in its place only, and AWS's own trail
shows for which place a key was asked (ids, no secret).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from codexos.kernel import clock
from codexos.kernel.http import HttpAnswer
from codexos.kernel.jsontypes import JsonValue
from codexos.kernel.sealing import SealBroken
from codexos.kernel.sigv4 import Credentials, Scope, signed_headers
from vault.adapters.keys.calls import Reach, encoded, json_of
from vault.crypto.ports import WrappedKey
from vault.errors import MasterUnknown

KIND = "aws"
_BROKEN = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})
_REASONS = {
    "AccessDeniedException": "AWS KMS denies it; check the key's policy and who signs",
    "DisabledException": "the key is disabled in AWS KMS",
    "KMSInvalidStateException": "the key is on its way to be deleted, or not ready",
    "NotFoundException": "AWS KMS has no such key in this region",
    "ExpiredTokenException": "the session of the AWS credentials has ended; give new ones",
    "UnrecognizedClientException": "AWS does not know the credentials",
    "InvalidSignatureException": "AWS does not take the signature; check the secret and this machine's clock",
    "InvalidKeyUsageException": "the key is not one for encryption",
    "ThrottlingException": "AWS KMS is asked too often",
}


@dataclass(frozen=True, slots=True)
class AwsAccount:
    """Where AWS KMS is, and who signs."""

    url: str
    region: str
    credentials: Credentials


class AwsKeys:
    """Keeps the port KeyProvider by AWS KMS. The first key closes, all that are named open."""

    def __init__(self, account: AwsAccount, keys: tuple[str, ...], *, reach: Reach) -> None:
        self._account = account
        self._names = {f"{KIND}:{key}": key for key in keys}
        self._calls = reach.to(account.url, master=self.master)

    @property
    def master(self) -> str:
        """The name of the first key, as it was given: an id, an ARN or an alias."""
        return next(iter(self._names))

    def wrap(self, key: bytes, *, associated: bytes) -> WrappedKey:
        """See the port."""
        sent: dict[str, JsonValue] = {
            "KeyId": self._names[self.master],
            "Plaintext": encoded(key),
            "EncryptionContext": _context(associated),
        }
        said = self._said(self._ask("Encrypt", sent))
        return WrappedKey(self.master, self._calls.decoded(said.get("CiphertextBlob")))

    def unwrap(self, wrapped: WrappedKey, *, associated: bytes) -> bytes:
        """See the port."""
        if wrapped.master not in self._names:
            raise MasterUnknown(master=wrapped.master)
        sent: dict[str, JsonValue] = {
            "KeyId": self._names[wrapped.master],
            "CiphertextBlob": encoded(wrapped.data),
            "EncryptionContext": _context(associated),
        }
        answer = self._ask("Decrypt", sent)
        if answer.status == 400 and _fault(answer) in _BROKEN:
            raise SealBroken
        return self._calls.decoded(self._said(answer).get("Plaintext"))

    def _ask(self, deed: str, sent: Mapping[str, JsonValue]) -> HttpAnswer:
        body = json.dumps(sent, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"TrentService.{deed}"}
        signed = signed_headers(
            self._account.credentials,
            Scope(self._account.region, "kms"),
            host=urlsplit(self._account.url).netloc,
            headers=headers,
            body=body,
            at=clock.now(),
        )
        return self._calls.post(f"{self._account.url}/", headers=signed, content=body)

    def _said(self, answer: HttpAnswer) -> Mapping[str, JsonValue]:
        if answer.status != 200:
            raise self._calls.failure(_REASONS.get(_fault(answer), f"AWS KMS answered with {answer.status}"))
        return self._calls.fields(answer)


def _fault(answer: HttpAnswer) -> str:
    """Return the name of the fault, which may stand behind its namespace."""
    said = json_of(answer)
    return str(said.get("__type", "")).rpartition("#")[2] if isinstance(said, Mapping) else ""


def _context(associated: bytes) -> dict[str, JsonValue]:
    return {"codexos": encoded(associated)}
