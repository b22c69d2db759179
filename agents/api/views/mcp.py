# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who may speak to ``/mcp``, and where clients learn how to sign in there."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views import View
from drf_spectacular.utils import extend_schema
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actor import Actor
from accounts.rest import OrganizationAPIView
from accounts.rest.asking import TokenAuthentication
from accounts.roles import Permission, TokenScope
from agents.api.admission import doorway
from codexos.kernel.errors import NotAllowed, Unavailable

PATH = "/mcp"
METADATA_PATH = "/.well-known/oauth-protected-resource"


class McpElsewhere(Unavailable):
    """``/mcp`` was asked of a process that answers pages and the API only."""

    def __init__(self) -> None:
        super().__init__("This process does not speak MCP. Have /mcp routed to the realtime process (docs/mcp.md).")


class OriginRefused(NotAllowed):
    """A page of another site tried to speak to ``/mcp``."""

    def __init__(self, *, origin: str) -> None:
        super().__init__(f"Pages of {origin[:200]!r} may not speak to /mcp. Connect with a program and an API token.")


class ScopeMissing(NotAllowed):
    """A token was used for something that none of its scopes lets through, or its person may not do."""

    def __init__(self, *, role: str, is_token: bool) -> None:
        hint = "Use a token with the scope 'run'" if is_token else "Ask an admin for the role of a developer"
        super().__init__(f"This token may not run flows. {hint}, made by somebody who may; its person is a {role}.")


class _AnyAccept(DefaultContentNegotiation):
    """Takes any Accept header: what refuses is problem+json, what answers is the protocol's."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        """Choose the first renderer there is."""
        return renderers[0], renderers[0].media_type


class McpView(OrganizationAPIView):
    """Decides for every message who sends it, by its token alone; the door around it speaks the protocol."""

    authentication_classes = [TokenAuthentication]
    content_negotiation_class = _AnyAccept
    idempotency_exempt = True

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """Let somebody listen."""
        return self._let_in(request)

    @extend_schema(exclude=True)
    def post(self, request: Request) -> Response:
        """Let a message in."""
        return self._let_in(request)

    @extend_schema(exclude=True)
    def delete(self, request: Request) -> Response:
        """Let somebody end a session."""
        return self._let_in(request)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse pages of other sites before anything is asked. Raises OriginRefused."""
        super().initial(request, *args, **kwargs)
        _insist_own_origin(request.headers.get("Origin", ""))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Say to whom a token is missing, or a scope of it, where to learn more (RFC 9728)."""
        answer: Any = super().finalize_response(request, response, *args, **kwargs)
        if answer.status_code in (401, 403):
            answer["WWW-Authenticate"] = _challenge(answer.status_code)
        return answer.render() if isinstance(answer, Response) else answer

    def _let_in(self, request: Request) -> Response:
        actor = self.actor_of(request)
        if not actor.may_somewhere(Permission.RUN_FLOWS):
            raise _too_little(actor)
        around = doorway.get()
        if around is None:
            raise McpElsewhere
        around.actor = actor
        return Response({})


class ResourceMetadataView(View):
    """``/.well-known/oauth-protected-resource``: what ``/mcp`` is and how it takes tokens (RFC 9728). Open to all."""

    def get(self, _request: HttpRequest) -> JsonResponse:
        """Describe the resource."""
        return JsonResponse(
            {
                "resource": f"{settings.CODEXOS_URL}{PATH}",
                "resource_name": "CodexOS",
                "scopes_supported": [TokenScope.RUN.value],
                "bearer_methods_supported": ["header"],
                "resource_documentation": f"{settings.CODEXOS_URL}/api/docs/",
            },
            headers={"Cache-Control": "public, max-age=3600", "Access-Control-Allow-Origin": "*"},
        )


def _insist_own_origin(origin: str) -> None:
    own = urlsplit(settings.CODEXOS_URL)
    if origin and origin != f"{own.scheme}://{own.netloc}":
        raise OriginRefused(origin=origin)


def _challenge(status: int) -> str:
    more = f', error="insufficient_scope", scope="{TokenScope.RUN}"' if status == 403 else ""
    return f'Bearer realm="CodexOS", resource_metadata="{settings.CODEXOS_URL}{METADATA_PATH}{PATH}"{more}'


def _too_little(actor: Actor) -> ScopeMissing:
    return ScopeMissing(role=actor.role.value, is_token=actor.limit is not None)
