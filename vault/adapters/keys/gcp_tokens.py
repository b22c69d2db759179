# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Where Google's access tokens come from: a service account's signed statement, or the metadata server of a machine."""

import base64
import json
from dataclasses import dataclass, field

from codexos.kernel import clock
from codexos.kernel.http import HttpAnswer
from codexos.kernel.sealing import SigningKeyInvalid, sign_rs256
from vault.adapters.keys.calls import Calls
from vault.adapters.keys.leases import Token

SCOPE = "https://www.googleapis.com/auth/cloudkms"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_STATEMENT_SECONDS = 3600
_METADATA_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A service account and the key that it signs with."""

    email: str
    token_url: str
    key_id: str
    private_key: str = field(repr=False)

    @classmethod
    def read(cls, text: str) -> "ServiceAccount":
        """Read the JSON file that Google hands out. Raises ValueError, and repeats nothing of it."""
        try:
            said = json.loads(text)
            found = cls(said["client_email"], said["token_uri"], said.get("private_key_id", ""), said["private_key"])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ValueError("it is not the JSON of a service account's key") from None
        return found

    def fetch(self, calls: Calls) -> Token:
        """Return a token for a statement that the account signs now. Raises KeyUnavailable."""
        try:
            statement = self._statement()
        except SigningKeyInvalid:
            raise calls.failure("the private key of the service account cannot be read") from None
        return _token(calls, calls.post(self.token_url, form={"grant_type": _GRANT, "assertion": statement}))

    def _statement(self) -> str:
        now = int(clock.now().timestamp())
        claims = {"iss": self.email, "scope": SCOPE, "aud": self.token_url, "iat": now, "exp": now + _STATEMENT_SECONDS}
        signed = f"{_part({'alg': 'RS256', 'typ': 'JWT', 'kid': self.key_id})}.{_part(claims)}"
        return f"{signed}.{_encoded(sign_rs256(self.private_key, signed.encode()))}"


@dataclass(frozen=True, slots=True)
class MetadataServer:
    """The server that gives every program of a machine at Google the account of the machine."""

    url: str

    def fetch(self, calls: Calls) -> Token:
        """Return the token of the machine's account. Raises KeyUnavailable."""
        answer = calls.ask("GET", f"{self.url}{_METADATA_PATH}", headers={"Metadata-Flavor": "Google"})
        if answer.headers.get("Metadata-Flavor") != "Google":
            raise calls.failure("what answers is not Google's metadata server")
        return _token(calls, answer)


def _token(calls: Calls, answer: HttpAnswer) -> Token:
    if answer.status != 200:
        raise calls.failure(f"Google gives the account no token ({answer.status})")
    said = calls.fields(answer)
    text, seconds = said.get("access_token"), said.get("expires_in")
    if not isinstance(text, str) or not isinstance(seconds, int) or seconds <= 0:
        raise calls.failure("Google's answer about a token cannot be read")
    return Token(text, float(seconds))


def _part(fields: dict[str, object]) -> str:
    return _encoded(json.dumps(fields, separators=(",", ":")).encode())


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
