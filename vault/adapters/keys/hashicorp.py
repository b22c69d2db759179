# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keys of organizations, closed by the transit engine of HashiCorp Vault: the master key never leaves it.

The place a key belongs to goes along as associated data, and also as the context where the key is a derived one. The
version of the master key stands in the ciphertext, so Vault's own rotation needs nothing here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from codexos.kernel.http import HttpAnswer
from codexos.kernel.jsontypes import JsonValue
from codexos.kernel.sealing import SealBroken
from vault.adapters.keys.calls import Reach, encoded, json_of
from vault.adapters.keys.leases import Lease, Token
from vault.crypto.ports import WrappedKey
from vault.errors import MasterUnknown

KIND = "hashicorp"
_CIPHERTEXT = re.compile(rb"vault:v[1-9][0-9]{0,8}:[A-Za-z0-9+/]+={0,2}")
# What the engine says of a ciphertext that is not what it made, or not for this place.
_BROKEN = re.compile(r"invalid ciphertext|message authentication failed|unable to decrypt", re.IGNORECASE)
_REASONS = {
    400: "Vault refuses the request; is the key of a type that takes associated data, and its version still allowed?",
    403: "Vault denies it; check the token or role and its policy",
    404: "Vault has no transit engine or no such key there",
    429: "Vault is asked too often",
    503: "Vault is sealed or not ready",
}


@dataclass(frozen=True, slots=True)
class HashicorpAccount:
    """Where Vault is and who asks: a token, or else an AppRole with its secret."""

    url: str
    mount: str = "transit"
    namespace: str = ""
    token: str = field(default="", repr=False)
    role: str = ""
    role_secret: str = field(default="", repr=False)
    is_derived: bool = False


class HashicorpKeys:
    """Keeps the port KeyProvider by Vault's transit engine. The first key closes, all that are named open."""

    def __init__(self, account: HashicorpAccount, keys: tuple[str, ...], *, reach: Reach) -> None:
        self._account = account
        self._names = {f"{KIND}:{account.mount}/{key}": key for key in keys}
        self._calls = reach.to(account.url, master=self.master)
        self._lease = Lease(self._sign_in)

    @property
    def master(self) -> str:
        """The name of the first key, with the engine it is in."""
        return next(iter(self._names))

    def wrap(self, key: bytes, *, associated: bytes) -> WrappedKey:
        """See the port."""
        sent = {"plaintext": encoded(key), **self._about(associated)}
        said = self._data(self._ask("encrypt", self._names[self.master], sent))
        closed = str(said.get("ciphertext", "")).encode()
        if not _CIPHERTEXT.fullmatch(closed):
            raise self._calls.failure("what Vault answered is no ciphertext")
        return WrappedKey(self.master, closed)

    def unwrap(self, wrapped: WrappedKey, *, associated: bytes) -> bytes:
        """See the port."""
        if wrapped.master not in self._names:
            raise MasterUnknown(master=wrapped.master)
        if not _CIPHERTEXT.fullmatch(wrapped.data):
            raise SealBroken
        sent = {"ciphertext": wrapped.data.decode(), **self._about(associated)}
        answer = self._ask("decrypt", self._names[wrapped.master], sent)
        if answer.status == 400 and _BROKEN.search(" ".join(_errors(answer))):
            raise SealBroken
        return self._calls.decoded(self._data(answer).get("plaintext"))

    def _about(self, associated: bytes) -> dict[str, JsonValue]:
        about: dict[str, JsonValue] = {"associated_data": encoded(associated)}
        return {**about, "context": encoded(associated)} if self._account.is_derived else about

    def _ask(self, deed: str, key: str, sent: dict[str, JsonValue]) -> HttpAnswer:
        token = self._lease.token()
        url = f"{self._account.url}/v1/{self._account.mount}/{deed}/{key}"
        answer = self._calls.post(url, json=sent, headers=self._headers(token))
        if answer.status == 403 and not self._account.token:
            # The role's token may have been taken back before its time; a second refusal is meant.
            self._lease.refused(token)
            answer = self._calls.post(url, json=sent, headers=self._headers(self._lease.token()))
        return answer

    def _headers(self, token: str = "") -> dict[str, str]:
        headers = {"X-Vault-Request": "true"}
        if token:
            headers["X-Vault-Token"] = token
        if self._account.namespace:
            headers["X-Vault-Namespace"] = self._account.namespace
        return headers

    def _sign_in(self) -> Token:
        if self._account.token:
            return Token(self._account.token, 0)
        sent: dict[str, JsonValue] = {"role_id": self._account.role, "secret_id": self._account.role_secret}
        answer = self._calls.post(f"{self._account.url}/v1/auth/approle/login", json=sent, headers=self._headers())
        if answer.status != 200:
            raise self._calls.failure(f"Vault does not let the role sign in ({answer.status})")
        auth = self._calls.fields(answer).get("auth")
        if not isinstance(auth, Mapping) or not isinstance(auth.get("client_token"), str):
            raise self._calls.failure("what Vault answered to the role's signing in cannot be read")
        lease = auth.get("lease_duration")
        return Token(str(auth["client_token"]), float(lease) if isinstance(lease, int) else 0)

    def _data(self, answer: HttpAnswer) -> Mapping[str, JsonValue]:
        if answer.status != 200:
            raise self._calls.failure(_REASONS.get(answer.status, f"Vault answered with {answer.status}"))
        data = self._calls.fields(answer).get("data")
        if not isinstance(data, Mapping):
            raise self._calls.failure("what Vault answered cannot be read")
        return data


def _errors(answer: HttpAnswer) -> list[str]:
    said = json_of(answer)
    errors = said.get("errors") if isinstance(said, Mapping) else None
    return [str(error) for error in errors] if isinstance(errors, list) else []
