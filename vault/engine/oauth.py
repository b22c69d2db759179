# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""OAuth tokens as secrets: an access token that ends, and what a new one is asked for with (RFC 6749, section 6)."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from codexos.kernel.jsontypes import JsonObject, JsonValue
from vault.engine.addresses import is_web_address
from vault.errors import RefreshRefused, SecretInvalid

EARLY = timedelta(seconds=60)
"""How long before its end a token counts as stale, so that it does not end on its way."""
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")
_LONGEST_SECONDS = 10**9
_SENT = ("client_id", "client_secret", "scope", "resource")
_NAMES = (
    *("access_token", "refresh_token", "token_url", "client_id", "client_secret"),
    *("scope", "resource", "expires_at"),
)


@dataclass(frozen=True, slots=True)
class OAuthToken:
    """An access token with what is known of it; ``said`` is all of it as it is sealed."""

    said: JsonObject = field(repr=False)

    @property
    def access_token(self) -> str:
        """What travels with a request."""
        return str(self.said["access_token"])

    @property
    def expires_at(self) -> datetime | None:
        """When it ends; None where nobody said."""
        text = self.said.get("expires_at")
        return datetime.fromisoformat(str(text)).astimezone(UTC) if text else None

    @property
    def can_refresh(self) -> bool:
        """Whether another one can be asked for."""
        return all(self.said.get(name) for name in ("refresh_token", "token_url", "client_id"))

    def is_stale(self, now: datetime) -> bool:
        """Whether it is over, or so nearly that it should not be sent any more."""
        return self.expires_at is not None and self.expires_at - EARLY <= now

    def is_over(self, now: datetime) -> bool:
        """Whether it is over."""
        return self.expires_at is not None and self.expires_at <= now

    def request_form(self) -> dict[str, str]:
        """Return what is sent to the token endpoint."""
        form = {"grant_type": "refresh_token", "refresh_token": str(self.said["refresh_token"])}
        wanted = {name: str(self.said[name]) for name in _SENT if self.said.get(name)}
        return form | wanted

    def refreshed(self, answer: JsonValue, *, now: datetime) -> "OAuthToken":
        """Return the token that an answer of the endpoint makes of it. Raises RefreshRefused where there is none.

        A refresh token that is not sent anew stays good.
        """
        given = _texts_in(answer) if isinstance(answer, Mapping) else {}
        if not isinstance(answer, Mapping) or "access_token" not in given:
            raise RefreshRefused(because="it answered without an access token")
        seconds = _seconds_in(answer.get("expires_in"))
        ends: JsonObject = {"expires_at": (now + timedelta(seconds=seconds)).isoformat()} if seconds else {}
        kept = {name: value for name, value in self.said.items() if name != "expires_at"}
        return OAuthToken({**kept, **given, **ends})

    def as_value(self) -> bytes:
        """Return it as it is sealed."""
        return json.dumps(self.said, sort_keys=True).encode()


def read_oauth_token(value: bytes) -> OAuthToken:
    """Return the token that a value holds as JSON. Raises SecretInvalid, which never repeats what is in it."""
    try:
        said = json.loads(value)
    except (ValueError, RecursionError):
        raise _invalid("is JSON, and this is none") from None
    if not isinstance(said, dict) or not isinstance(said.get("access_token"), str) or not said["access_token"]:
        raise _invalid('is a JSON object with at least {"access_token": "..."}')
    unknown = sorted(set(map(str, said)) - set(_NAMES))
    if unknown or not all(isinstance(item, str) for item in said.values()):
        raise _invalid(f"holds texts called {', '.join(_NAMES)}, and nothing else")
    token = OAuthToken(said)
    _check_end(token)
    if "token_url" in said and not is_web_address(said["token_url"]):
        raise _invalid("has a token_url that begins with https://")
    return token


def _texts_in(answer: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    # Some give the scope as a list: what is spent already must not be lost for that.
    found = {name: answer.get(name) for name in ("access_token", "refresh_token", "scope")}
    return {name: text for name, text in found.items() if isinstance(text, str) and text}


def _seconds_in(said: JsonValue) -> float:
    """Return how long a token lasts, 0 where that is not said; some say it as a text."""
    text = str(said) if isinstance(said, int | float | str) and not isinstance(said, bool) else ""
    seconds = float(text) if _NUMBER.fullmatch(text) else 0.0
    return seconds if seconds < _LONGEST_SECONDS else 0.0


def _check_end(token: OAuthToken) -> None:
    try:
        end = token.expires_at
    except ValueError:
        raise _invalid("has its end as a moment such as 2030-01-31T12:00:00Z in expires_at") from None
    if end is not None and datetime.fromisoformat(str(token.said["expires_at"])).tzinfo is None:
        raise _invalid("names the time zone of expires_at, such as Z for UTC")


def _invalid(what: str) -> SecretInvalid:
    return SecretInvalid(f"The value of an OAuth token {what}.", place="value")
