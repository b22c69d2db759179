# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Signing in to a tool server by OAuth: a person is sent to its provider, comes back, and the vault keeps the token.

What has to be known when they come back travels with them, sealed: it opens here alone, for the person who began, for
ten minutes. The code that comes with it is good for one use, which its provider sees to.
"""

import base64
import binascii
import json
import secrets
from datetime import timedelta
from uuid import UUID

from asgiref.sync import async_to_sync
from django.conf import settings

from accounts.actor import Actor, ActorKind
from accounts.operations.audit import record_event
from accounts.tenancy import in_organization
from agents.adapters.shelves.mcp_client.sign_in import Client, SignInDoor
from agents.adapters.tools.room import egress_of_settings
from agents.engine.sign_in import Pending, Provider, authorize_address, scope_of
from agents.errors import ToolServerInvalid
from agents.errors.mcp import SignInFailed
from agents.models import ServerKind, ToolServer
from agents.operations.tool_servers import ToolServerEdit, change_tool_server
from agents.queries.tool_servers import access_tool_server
from codexos.kernel import clock
from codexos.kernel.errors import NotAllowed
from codexos.kernel.jsontypes import JsonObject
from codexos.kernel.sealing import SealBroken, open_sealed, seal
from vault.models import SecretKind, SecretScope
from vault.operations.secrets import Folder, SecretEdit, put_secret

PATH = "/tool-servers/signed-in/"
LASTS = timedelta(minutes=10)
SIGN_IN = "sign_in"
_LONGEST_STATE = 8000


def begin_sign_in(actor: Actor, server: UUID | str) -> str:
    """Return where a person signs in to a server. Raises ToolServerNotFound, ToolServerInvalid, SignInFailed kinds."""
    row = _changeable(actor, server)
    if row.kind != ServerKind.MCP_HTTP or row.auth.get("how") != SIGN_IN:
        raise ToolServerInvalid("auth", "Only a server of the kind mcp_http is signed in to; say so as auth.how.")
    provider, scope, client = async_to_sync(_ask)(row)
    pending = Pending(
        server_id=str(row.pk),
        person_id=str(actor.person_id),
        organization_id=str(actor.organization_id),
        issuer=provider.issuer,
        names_itself=provider.names_itself,
        token_url=provider.token_url,
        client_id=client.client_id,
        client_secret=client.client_secret,
        verifier=secrets.token_urlsafe(48),
        resource=row.address,
        scope=scope_of(row.auth.get("scope"), scope),
        until=(clock.now() + LASTS).timestamp(),
    )
    return authorize_address(provider, pending, redirect_uri=redirect_uri(), state=_sealed(pending))


def end_sign_in(actor: Actor, *, state: str, code: str, issuer: str = "", error: str = "") -> ToolServer:
    """Keep the token that a person came back with, and read what the server offers them.

    Raises SignInFailed, NotAllowed where another person began, and what changing a tool server does.
    """
    pending = _opened(state)
    if actor.kind is not ActorKind.PERSON or str(actor.person_id) != pending.person_id:
        raise NotAllowed("Somebody else began to sign in. Begin yourself.")
    if str(actor.organization_id) != pending.organization_id:
        raise NotAllowed("You began to sign in for another organization. Switch to it, and begin again.")
    # Whoever mixes up two providers is told by who speaks (RFC 9207).
    if (issuer or pending.names_itself) and issuer.rstrip("/") != pending.issuer.rstrip("/"):
        raise SignInFailed(because="another provider answered than was asked")
    if error or not code:
        raise SignInFailed(because="its provider did not let you in")
    row = _changeable(actor, pending.server_id)
    if row.address != pending.resource:
        raise SignInFailed(because="the server's address was changed meanwhile")
    said = async_to_sync(_exchange)(pending, code)
    key = _keep(actor, row, pending=pending, said=said)
    return change_tool_server(actor, row.pk, ToolServerEdit(key=key))


def redirect_uri() -> str:
    """Return where providers send people back to."""
    return f"{settings.CODEXOS_URL}{PATH}"


@in_organization
def _changeable(actor: Actor, server: UUID | str) -> ToolServer:
    return access_tool_server(actor, server, to_change=True)


async def _ask(row: ToolServer) -> tuple[Provider, str, Client]:
    async with SignInDoor(egress_of_settings()) as door:
        provider, scope = await door.discover(row.address)
        given = str(row.auth.get("client_id") or "")
        client = Client(given) if given else await door.register(provider, redirect_uri=redirect_uri())
        return provider, scope, client


async def _exchange(pending: Pending, code: str) -> JsonObject:
    async with SignInDoor(egress_of_settings()) as door:
        return await door.exchange(pending, code=code, redirect_uri=redirect_uri())


def _keep(actor: Actor, row: ToolServer, *, pending: Pending, said: JsonObject) -> str:
    key = f"tool-server-{row.name}"
    seconds = said.get("expires_in")
    ends = clock.now() + timedelta(seconds=seconds) if isinstance(seconds, int) and 0 < seconds < 10**9 else None
    token = {
        "access_token": said["access_token"],
        "refresh_token": said.get("refresh_token"),
        "token_url": pending.token_url,
        "client_id": pending.client_id,
        "client_secret": pending.client_secret,
        "resource": pending.resource,
        "scope": pending.scope,
        "expires_at": ends.isoformat() if ends else None,
    }
    value = json.dumps({name: item for name, item in token.items() if isinstance(item, str) and item}).encode()
    folder = Folder(project=row.project) if row.project else Folder(scope=SecretScope.ORGANIZATION)
    told = SecretEdit(kind=SecretKind.OAUTH_TOKEN, description=f"Signed in to tool server {row.name}")
    put_secret(actor, key, value, folder=folder, edit=told)
    _tell(actor, row, pending=pending)
    return key


@in_organization
def _tell(actor: Actor, row: ToolServer, *, pending: Pending) -> None:
    record_event(actor, "tool_server.signed_in", about=row, issuer=pending.issuer, scope=pending.scope)


def _sealed(pending: Pending) -> str:
    text = json.dumps(pending.kept(), separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(seal(settings.SIGN_IN_STATE_KEY, text, associated=b"tool-sign-in")).decode()


def _opened(state: str) -> Pending:
    try:
        sealed = base64.urlsafe_b64decode(state[:_LONGEST_STATE].encode("ascii"))
        pending = Pending(**json.loads(open_sealed(settings.SIGN_IN_STATE_KEY, sealed, associated=b"tool-sign-in")))
    except (SealBroken, ValueError, UnicodeError, binascii.Error, TypeError):
        raise SignInFailed(because="this state is none of ours") from None
    if clock.now().timestamp() > pending.until:
        raise SignInFailed(because="it took longer than ten minutes; begin again")
    return pending
