# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Asking a server and its provider how one signs in, and for a token: through the gate, and never over plain http."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from agents.engine.sign_in import (
    Pending,
    Provider,
    SignInMisfit,
    challenge_in,
    issuer_in,
    provider_documents,
    provider_in,
    registration,
    resource_documents,
    scope_of,
    token_form,
)
from agents.errors.mcp import SignInFailed
from codexos.kernel.egress import EgressPolicy
from codexos.kernel.http import HttpAnswer, HttpClient, HttpLimits
from codexos.kernel.jsontypes import JsonObject, JsonValue

_LIMITS = HttpLimits(total_seconds=15, connect_seconds=5, idle_seconds=15, body_bytes=256 * 1024, redirects=0)


@dataclass(frozen=True, slots=True)
class Client:
    """This installation, as a provider knows it."""

    client_id: str
    client_secret: str = ""


class SignInDoor:
    """Asks over one client of the gate."""

    def __init__(self, egress: EgressPolicy) -> None:
        self._egress = egress
        # Codes and tokens: whoever reads along on the way could use them.
        self._client = HttpClient(replace(egress, sealed_only=True), limits=_LIMITS)

    async def __aenter__(self) -> "SignInDoor":
        return self

    async def __aexit__(self, *_failure: object) -> None:
        await self._client.aclose()

    async def discover(self, address: str) -> tuple[Provider, str]:
        """Return who lets people in to a server, and the scope it asks for. Raises SignInFailed, EgressRefused."""
        challenge = await self._challenge(address)
        named = challenge.get("resource_metadata")
        said = await self._first([named] if named else resource_documents(address))
        try:
            issuer = issuer_in(said, address=address)
            said_of_provider = await self._first(provider_documents(issuer))
            provider = provider_in(said_of_provider, issuer=issuer, may_read=self._egress.lets_be_read)
        except SignInMisfit as error:
            raise SignInFailed(because=str(error)) from None
        supported = said.get("scopes_supported") if isinstance(said, Mapping) else None
        return provider, scope_of(challenge.get("scope", ""), supported)

    async def register(self, provider: Provider, *, redirect_uri: str) -> Client:
        """Make this installation known to a provider. Raises SignInFailed, EgressRefused."""
        if not provider.register_url:
            raise SignInFailed(because="its provider registers nobody by itself; say the client_id it gave you")
        asked = registration(redirect_uri, methods=provider.auth_methods)
        answer = await self._client.request("POST", provider.register_url, json=dict(asked))
        said = _object_in(answer)
        client_id = said.get("client_id")
        if not answer.is_success or not isinstance(client_id, str) or not client_id:
            raise SignInFailed(because=f"its provider did not register us (it answered {answer.status})")
        return Client(client_id, str(said.get("client_secret") or ""))

    async def exchange(self, pending: Pending, *, code: str, redirect_uri: str) -> JsonObject:
        """Return the token that a code is changed into. Raises SignInFailed, EgressRefused."""
        form = token_form(pending, code=code, redirect_uri=redirect_uri)
        headers = {"Accept": "application/json"}
        answer = await self._client.request("POST", pending.token_url, form=form, headers=headers)
        said = _object_in(answer)
        if not answer.is_success or not isinstance(said.get("access_token"), str) or not said["access_token"]:
            raise SignInFailed(because=f"its provider gave no token (it answered {answer.status})")
        if str(said.get("token_type", "bearer")).lower() != "bearer":
            raise SignInFailed(because="its provider gives another kind of token than bearer tokens")
        return said

    async def _challenge(self, address: str) -> Mapping[str, str]:
        ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
        async with self._client.stream("POST", address, content=json.dumps(ping).encode(), headers=headers) as answer:
            return challenge_in(answer.headers.get("www-authenticate", "")) if answer.status == 401 else {}

    async def _first(self, places: list[str]) -> JsonValue:
        for place in places:
            answer = await self._client.request("GET", place, headers={"Accept": "application/json"})
            if answer.is_success and (said := _object_in(answer)):
                return said
        raise SignInFailed(because="it does not say how one signs in")


def _object_in(answer: HttpAnswer) -> JsonObject:
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
