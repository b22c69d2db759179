# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keys of organizations, closed by Google Cloud KMS: the master key never leaves it.

The place a key belongs to is the additional authenticated data. Checksums go both ways, as Google asks for: bytes that
were damaged before they were encrypted would otherwise be lost for good.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from codexos.kernel.http import HttpAnswer
from codexos.kernel.jsontypes import JsonValue
from codexos.kernel.sealing import SealBroken
from vault.adapters.keys.calls import Reach, encoded, json_of
from vault.adapters.keys.crc32c import crc32c
from vault.adapters.keys.gcp_tokens import MetadataServer, ServiceAccount
from vault.adapters.keys.leases import Lease
from vault.crypto.ports import WrappedKey
from vault.errors import MasterUnknown

KIND = "gcp"
_DAMAGED = "bytes were damaged on their way to or from Cloud KMS"
_REASONS = {
    "FAILED_PRECONDITION": "the key or its version is disabled or destroyed in Cloud KMS",
    "PERMISSION_DENIED": "Cloud KMS denies it; check the roles of the account",
    "UNAUTHENTICATED": "Cloud KMS does not take the account's token",
    "NOT_FOUND": "Cloud KMS has no such key",
    "RESOURCE_EXHAUSTED": "Cloud KMS is asked too often",
}


@dataclass(frozen=True, slots=True)
class GcpAccount:
    """Where Cloud KMS is, and where tokens for it come from."""

    url: str
    tokens: ServiceAccount | MetadataServer

    @property
    def token_url(self) -> str:
        """The address that tokens are fetched from."""
        return self.tokens.url if isinstance(self.tokens, MetadataServer) else self.tokens.token_url


class GcpKeys:
    """Keeps the port KeyProvider by Cloud KMS. The first key closes, all that are named open."""

    def __init__(self, account: GcpAccount, keys: tuple[str, ...], *, reach: Reach) -> None:
        self._account = account
        self._names = {f"{KIND}:{key}": key for key in keys}
        self._calls = reach.to(account.url, master=self.master)
        self._token_calls = reach.to(account.token_url, master=self.master)
        self._lease = Lease(lambda: account.tokens.fetch(self._token_calls))

    @property
    def master(self) -> str:
        """The name of the first key, from ``projects/`` on."""
        return next(iter(self._names))

    def wrap(self, key: bytes, *, associated: bytes) -> WrappedKey:
        """See the port."""
        sent = {**_checked("plaintext", key), **_checked("additionalAuthenticatedData", associated)}
        said = self._said(self._ask("encrypt", self._names[self.master], sent))
        arrived = (said.get("verifiedPlaintextCrc32c"), said.get("verifiedAdditionalAuthenticatedDataCrc32c"))
        if arrived != (True, True):
            raise self._calls.failure(_DAMAGED)
        return WrappedKey(self.master, self._bytes(said, "ciphertext"))

    def unwrap(self, wrapped: WrappedKey, *, associated: bytes) -> bytes:
        """See the port."""
        if wrapped.master not in self._names:
            raise MasterUnknown(master=wrapped.master)
        sent = {**_checked("ciphertext", wrapped.data), **_checked("additionalAuthenticatedData", associated)}
        answer = self._ask("decrypt", self._names[wrapped.master], sent)
        if answer.status == 400 and _status(answer) == "INVALID_ARGUMENT":
            raise SealBroken
        return self._bytes(self._said(answer), "plaintext")

    def _ask(self, deed: str, key: str, sent: dict[str, JsonValue]) -> HttpAnswer:
        token = self._lease.token()
        url = f"{self._account.url}/v1/{key}:{deed}"
        answer = self._calls.post(url, json=sent, headers={"Authorization": f"Bearer {token}"})
        if answer.status == 401:
            # It may have been taken back before its time; a second refusal is meant.
            self._lease.refused(token)
            answer = self._calls.post(url, json=sent, headers={"Authorization": f"Bearer {self._lease.token()}"})
        return answer

    def _said(self, answer: HttpAnswer) -> Mapping[str, JsonValue]:
        if answer.status != 200:
            raise self._calls.failure(_REASONS.get(_status(answer), f"Cloud KMS answered with {answer.status}"))
        return self._calls.fields(answer)

    def _bytes(self, said: Mapping[str, JsonValue], name: str) -> bytes:
        raw = self._calls.decoded(said.get(name))
        if str(said.get(f"{name}Crc32c")) != str(crc32c(raw)):
            raise self._calls.failure(_DAMAGED)
        return raw


def _checked(name: str, raw: bytes) -> dict[str, JsonValue]:
    return {name: encoded(raw), f"{name}Crc32c": str(crc32c(raw))}


def _status(answer: HttpAnswer) -> str:
    said = json_of(answer)
    error = said.get("error") if isinstance(said, Mapping) else None
    return str(error.get("status", "")) if isinstance(error, Mapping) else ""
