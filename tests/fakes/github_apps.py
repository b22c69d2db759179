# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the GitHub of tests does about Apps: looks at their signed tokens, and gives keys that live for an hour."""

import base64
import json
import time
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from tests.fakes.github_kept import Asked, GitHubServer, Refused, route

INSTALLATION = 77


def is_for_apps(path: str) -> bool:
    """Whether a path is asked for by Apps alone."""
    return path.startswith("/app/") or path.endswith("/installation")


def check_app(hub: GitHubServer, sent: str) -> None:
    """Refuse whoever is no App: a wrong signature, another algorithm, a token that lives for too long."""
    try:
        header, claims, signature = sent.removeprefix("Bearer ").split(".")
        said = json.loads(_bytes(claims))
        key = hub.apps[str(said["iss"])]
        key.verify(_bytes(signature), f"{header}.{claims}".encode(), PKCS1v15(), SHA256())
    except (ValueError, KeyError, InvalidSignature):
        raise Refused(401, "A JSON web token could not be decoded") from None
    if json.loads(_bytes(header)).get("alg") != "RS256" or not time.time() < said["exp"] <= time.time() + 600:
        raise Refused(401, "'Expiration time' claim ('exp') is too far in the future")
    if said["iat"] > time.time():
        raise Refused(401, "'Issued at' claim ('iat') must be an Integer representing the time in the past")


@route("GET", "/repos/{owner}/{name}/installation")
def _installation(asked: Asked) -> Any:
    return {"id": INSTALLATION, "account": {"login": asked.names["owner"]}}


@route("POST", "/app/installations/{number}/access_tokens")
def _token(asked: Asked) -> Any:
    if asked.names["number"] != str(INSTALLATION):
        raise Refused(404, "Not Found")
    body = asked.fields("Installation", {}, repositories=list, permissions=dict)
    if set(body.get("permissions", {})) - {"contents", "metadata"}:
        raise Refused(422, "The permissions requested are not granted to this installation.")
    token = f"ghs_{len(asked.server.keys):036d}"
    asked.server.keys.add(token)
    for name in body.get("repositories", []):
        for owner in asked.server.root.iterdir():
            asked.server.git.tokens.setdefault(f"{owner.name}/{name}", set()).add(token)
    return {"token": token, "expires_at": "2099-01-01T00:00:00Z", "permissions": body.get("permissions", {})}


def _bytes(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
