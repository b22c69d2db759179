# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Signing in to a server by OAuth 2.1: what its metadata must say, what is sent where (RFC 6749, 7636, 8707, 9728)."""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit

from codexos.kernel.jsontypes import JsonObject, JsonValue

_PARAMETER = re.compile(r'([a-zA-Z_]+)="([^"\\]*)"')
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}")
MOST_SCOPES = 50


class SignInMisfit(Exception):
    """What a server says of how one signs in does not hold together."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Who lets people in to a server: where they are sent, where tokens are asked for, and for what."""

    issuer: str
    authorize_url: str
    token_url: str
    register_url: str
    auth_methods: Sequence[str]
    names_itself: bool = False


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in that a person has begun. It travels sealed, as the state, and comes back with the person."""

    server_id: str
    person_id: str
    organization_id: str
    issuer: str
    names_itself: bool
    token_url: str
    client_id: str
    client_secret: str
    verifier: str
    resource: str
    scope: str
    until: float

    def kept(self) -> JsonObject:
        """Return it as it is sealed."""
        return asdict(self)


def challenge_in(header: str) -> Mapping[str, str]:
    """Return the parameters of a ``WWW-Authenticate`` header, such as ``resource_metadata`` and ``scope``."""
    return {name.lower(): value for name, value in _PARAMETER.findall(header[:4000])}


def resource_documents(address: str) -> list[str]:
    """Return where a server's metadata may stand (RFC 9728), the most particular place first."""
    return _well_known(address, "oauth-protected-resource")


def provider_documents(issuer: str) -> list[str]:
    """Return where a provider's metadata may stand (RFC 8414, OpenID Connect Discovery)."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    own = [urlunsplit((parts.scheme, parts.netloc, f"{path}/.well-known/openid-configuration", "", ""))]
    found = [*_well_known(issuer, "oauth-authorization-server")[:1], *_well_known(issuer, "openid-configuration")[:1]]
    return list(dict.fromkeys([*found, *own]))


def issuer_in(said: JsonValue, *, address: str) -> str:
    """Return who lets people in, by a server's metadata. Raises SignInMisfit where that is of another server."""
    document = said if isinstance(said, Mapping) else {}
    resource, issuers = document.get("resource"), document.get("authorization_servers")
    if not isinstance(resource, str) or not _is_of(resource, address):
        raise SignInMisfit("its metadata is of another server")
    first = issuers[0] if isinstance(issuers, list | tuple) and issuers else None
    if not isinstance(first, str):
        raise SignInMisfit("its metadata names nobody who lets people in")
    return first


def provider_in(said: JsonValue, *, issuer: str, may_read: Callable[[str], bool] = lambda address: False) -> Provider:
    """Read a provider's metadata. Raises SignInMisfit where it is another one's, or cannot prove who asks (PKCE).

    ``may_read`` tells for which addresses it is no matter that others on the way read along (plain http).
    """
    document = said if isinstance(said, Mapping) else {}
    if str(document.get("issuer", "")).rstrip("/") != issuer.rstrip("/"):
        raise SignInMisfit("the metadata of its provider is another provider's")
    methods = document.get("code_challenge_methods_supported")
    if not isinstance(methods, list | tuple) or "S256" not in methods:
        raise SignInMisfit("its provider does not know PKCE with S256")
    ways = document.get("token_endpoint_auth_methods_supported")
    return Provider(
        issuer=issuer,
        authorize_url=_address_in(document, "authorization_endpoint", may_read=may_read),
        token_url=_address_in(document, "token_endpoint", may_read=may_read),
        register_url=str(document.get("registration_endpoint") or ""),
        auth_methods=[str(way) for way in ways] if isinstance(ways, list | tuple) else ["client_secret_basic"],
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )


def scope_of(*said: JsonValue) -> str:
    """Return the first scope that is said, as a text or a list."""
    for each in said:
        words = each.split() if isinstance(each, str) else list(map(str, each)) if isinstance(each, list) else []
        if words:
            return " ".join(word for word in words[:MOST_SCOPES] if _SCOPE.fullmatch(word))
    return ""


def registration(redirect_uri: str, *, methods: Sequence[str]) -> JsonObject:
    """Return what a program says of itself to be known to a provider (RFC 7591)."""
    way = next((way for way in ("none", "client_secret_post") if way in methods), "client_secret_post")
    return {
        "client_name": "CodexOS",
        "redirect_uris": [redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": way,
    }


def authorize_address(provider: Provider, pending: Pending, *, redirect_uri: str, state: str) -> str:
    """Return where the person is sent."""
    digest = hashlib.sha256(pending.verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": pending.client_id,
        "redirect_uri": redirect_uri,
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
        "resource": pending.resource,
        **({"scope": pending.scope} if pending.scope else {}),
    }
    mark = "&" if urlsplit(provider.authorize_url).query else "?"
    return f"{provider.authorize_url}{mark}{urlencode(asked)}"


def token_form(pending: Pending, *, code: str, redirect_uri: str) -> dict[str, str]:
    """Return what a code is changed into a token with."""
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "client_id": pending.client_id,
        "code_verifier": pending.verifier,
        "resource": pending.resource,
        **({"client_secret": pending.client_secret} if pending.client_secret else {}),
    }


def _well_known(address: str, name: str) -> list[str]:
    parts = urlsplit(address)
    path = parts.path.rstrip("/")
    places = [f"/.well-known/{name}{path}", f"/.well-known/{name}"]
    return [urlunsplit((parts.scheme, parts.netloc, place, "", "")) for place in dict.fromkeys(places)]


def _is_of(resource: str, address: str) -> bool:
    """Whether a resource takes an address in: the same origin, and a path that it stands below."""
    one, other = urlsplit(resource), urlsplit(address)
    if (one.scheme, one.netloc.lower()) != (other.scheme, other.netloc.lower()):
        return False
    path = one.path.rstrip("/")
    return other.path.rstrip("/") == path or other.path.startswith(f"{path}/")


def _address_in(document: JsonObject, name: str, *, may_read: Callable[[str], bool]) -> str:
    address = document.get(name)
    if not isinstance(address, str) or urlsplit(address).scheme not in {"http", "https"} or len(address) > 2000:
        raise SignInMisfit(f"the metadata of its provider has no {name}")
    if urlsplit(address).scheme != "https" and not may_read(address):
        raise SignInMisfit(f"its provider has its {name} at plain http, where everybody on the way reads along")
    return address
