# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A provider that lets people in to a server of the Model Context Protocol, and refuses what RFCs tell it to refuse."""

import base64
import hashlib
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.mcp_server import answer


class Provider:
    """Its metadata stands beside the server it lets people in to; ``says`` changes it."""

    def __init__(self) -> None:
        self.origin = ""
        self.says: dict[str, Any] = {}
        self.says_of_resource: dict[str, Any] = {}
        self.registered: list[Any] = []
        self.codes: dict[str, dict[str, str]] = {}
        self.forms: list[dict[str, str]] = []
        self.token = "granted-9f3b2c71"

    def around(self, app: Any) -> Any:
        async def served(scope: Any, receive: Any, send: Any) -> None:
            path = scope.get("path", "")
            if scope["type"] == "http" and not path.startswith("/mcp"):
                body = b""
                while True:
                    message = await receive()
                    body += message.get("body", b"")
                    if not message.get("more_body"):
                        break
                status, said = self._say(path, body)
                await answer(send, status, said)
                return
            await app(scope, receive, send)

        return served

    def approve(self, url: str) -> dict[str, str]:
        """Do what a person does at the provider: let the program in; returns what the browser comes back with."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert asked["resource"] == f"{self.origin}/mcp"
        assert asked["redirect_uri"] in self.registered[-1]["redirect_uris"]
        self.codes["a-code"] = asked
        return {"state": asked["state"], "code": "a-code", "iss": self.origin}

    def _say(self, path: str, body: bytes) -> tuple[int, Any]:
        match path:
            case "/.well-known/oauth-protected-resource/mcp":
                issuers = {"resource": f"{self.origin}/mcp", "authorization_servers": [self.origin]}
                return 200, {**issuers, "scopes_supported": ["tools"], **self.says_of_resource}
            case "/.well-known/oauth-authorization-server":
                return 200, {
                    "issuer": self.origin,
                    "authorization_endpoint": f"{self.origin}/authorize",
                    "token_endpoint": f"{self.origin}/token",
                    "registration_endpoint": f"{self.origin}/register",
                    "code_challenge_methods_supported": ["S256"],
                    "token_endpoint_auth_methods_supported": ["none"],
                    "authorization_response_iss_parameter_supported": True,
                    **self.says,
                }
            case "/register":
                self.registered.append(json.loads(body))
                return 201, {"client_id": "client-1"}
            case "/token":
                return self._give({name: values[0] for name, values in parse_qs(body.decode()).items()})
        return 404, {}

    def _give(self, form: dict[str, str]) -> tuple[int, Any]:
        self.forms.append(form)
        if form.get("grant_type") == "refresh_token":
            self.token = "renewed-5d20aa18"
            return 200, {"access_token": self.token, "token_type": "Bearer", "expires_in": 3600}
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or form.get("redirect_uri") != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        given = {"access_token": self.token, "token_type": "Bearer", "refresh_token": "again-77", "expires_in": 3600}
        return 200, given
