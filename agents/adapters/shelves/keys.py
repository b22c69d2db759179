# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How a key of the vault is sent to a tool server: in a header, the query, a cookie, or for a token of its own."""

import base64
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import quote, urlencode

from agents.adapters.shelves.kinds import ServerPlace
from agents.adapters.tools.json_texts import read_json
from agents.adapters.tools.room import ToolRoom
from agents.errors import ToolFailed, ToolNotReady, ToolServerInvalid
from codexos.kernel.egress import EgressPolicy
from codexos.kernel.http import HttpClient, HttpLimits
from codexos.kernel.redaction import Redactor

HOWS = ("none", "api_key", "bearer", "basic", "oauth2")
PLACES = ("header", "query", "cookie")

_LIMITS = HttpLimits(total_seconds=15, connect_seconds=5, idle_seconds=15, body_bytes=64_000, redirects=0)
_MARGIN_SECONDS = 30.0
_MOST_SECONDS = 3_600.0
_MOST_KEPT = 1_000
_tokens: dict[str, tuple[str, float]] = {}


@dataclass(frozen=True, slots=True)
class Sent:
    """What goes with a request so that it is let in, and what takes it out of whatever comes back."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    redactor: Redactor = field(default_factory=lambda: Redactor(()))


def check_auth(place: ServerPlace) -> None:
    """Look over how a key is to be sent. Raises ToolServerInvalid."""
    how = place.auth.get("how", "none")
    if how not in HOWS:
        raise ToolServerInvalid("auth", f"A key is sent in one of these ways: {', '.join(HOWS)}.")
    if how != "none" and not place.key:
        raise ToolServerInvalid("key", "Say which secret of the vault is sent. The value itself does not belong here.")
    if how == "api_key":
        name = place.auth.get("name")
        if place.auth.get("in") not in PLACES or not isinstance(name, str) or not _is_token(name):
            raise ToolServerInvalid("auth", "Say in which header, query parameter or cookie the key is sent.")
    if how == "oauth2" and not str(place.auth.get("token_url", "")).startswith(("https://", "http://")):
        raise ToolServerInvalid("auth", "Say the address where the server's tokens are asked for (token_url).")


async def auth_of(place: ServerPlace, room: ToolRoom) -> Sent:
    """Open a server's key for a run's person and say what is sent. Raises what opening does, ToolFailed kinds."""
    how = place.auth.get("how", "none")
    if how == "none" or not place.key:
        return Sent()
    if room.secrets is None:
        raise ToolNotReady(tool=place.name, because="Its key is not at hand here: nobody is asked for.")
    value = (await room.secrets.open([place.key], tool=place.name))[place.key].strip()
    if how == "oauth2":
        token = await _token(place, value, egress=room.egress)
        return _sent({"Authorization": f"Bearer {token}"}, value, token)
    if how == "basic":
        encoded = base64.b64encode(value.encode()).decode()
        return _sent({"Authorization": f"Basic {encoded}"}, value, value.partition(":")[2], encoded)
    if how == "bearer":
        return _sent({"Authorization": f"Bearer {value}"}, value)
    name = str(place.auth.get("name"))
    if place.auth.get("in") == "query":
        return Sent(query={name: value}, redactor=Redactor([value]))
    headers = {"Cookie": f"{name}={quote(value)}"} if place.auth.get("in") == "cookie" else {name: value}
    return _sent(headers, value)


def _sent(headers: Mapping[str, str], *values: str) -> Sent:
    return Sent(headers, redactor=Redactor([value for value in values if value]))


async def _token(place: ServerPlace, value: str, *, egress: EgressPolicy) -> str:
    """Return an access token for client credentials ``id:secret``, asked for once as long as it lasts."""
    told = f"{place.id}\n{place.auth.get('token_url')}\n{place.auth.get('scope')}\n{value}"
    name = hashlib.sha256(told.encode()).hexdigest()
    token, until = _tokens.get(name, ("", 0.0))
    if time.monotonic() < until:
        return token
    token, seconds = await _ask_for_token(place, value, egress=egress)
    while len(_tokens) >= _MOST_KEPT:
        _tokens.pop(next(iter(_tokens)), None)
    _tokens[name] = (token, time.monotonic() + max(0.0, min(seconds, _MOST_SECONDS) - _MARGIN_SECONDS))
    return token


async def _ask_for_token(place: ServerPlace, value: str, *, egress: EgressPolicy) -> tuple[str, float]:
    client_id, _, client_secret = value.partition(":")
    scope = place.auth.get("scope")
    form = {"grant_type": "client_credentials", **({"scope": str(scope)} if scope else {})}
    encoded = base64.b64encode(f"{quote(client_id)}:{quote(client_secret)}".encode()).decode()
    headers = {"Authorization": f"Basic {encoded}", "Content-Type": "application/x-www-form-urlencoded"}
    # As keys are sent: where everybody on the way could read it, it is not.
    async with HttpClient(replace(egress, sealed_only=True)) as client:
        answer = await client.request(
            "POST",
            str(place.auth.get("token_url")),
            headers=headers,
            content=urlencode(form).encode(),
            limits=_LIMITS,
        )
    said = read_json(answer.body)
    token = said.get("access_token") if isinstance(said, Mapping) else None
    if not answer.is_success or not isinstance(token, str) or not token or not token.isprintable():
        raise ToolFailed(
            f"The token address of tool server {place.name!r} answered with {answer.status} and no token. Check its "
            "address and the secret, which holds the client's id and secret with a colon between.",
            status=answer.status,
        )
    seconds = said.get("expires_in", 300) if isinstance(said, Mapping) else 300
    return token, float(seconds) if isinstance(seconds, int | float) else 300.0


def _is_token(name: str) -> bool:
    return 0 < len(name) <= 100 and all(letter.isascii() and (letter.isalnum() or letter in "-_.") for letter in name)
