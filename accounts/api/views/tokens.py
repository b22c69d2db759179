# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``/api/v1/tokens/``"""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.bodies import TokenBody, TokensQuery
from accounts.api.shapes import IssuedTokenShape, TokenShape
from accounts.operations.tokens import issue_token, revoke_token
from accounts.queries.projects import access_project
from accounts.queries.tokens import access_token, list_organization_tokens, list_own_tokens
from accounts.rest import OrganizationAPIView, insist_fresh_sign_in, page_params, paginated
from accounts.roles import TokenScope


class TokenList(OrganizationAPIView):
    """One's own API tokens, or everybody's."""

    @extend_schema(parameters=[TokensQuery], responses=TokenShape(many=True))
    def get(self, request: Request) -> Response:
        """List API tokens."""
        is_own = TokensQuery.parse(request.query_params)["of"] == "me"
        list_tokens = list_own_tokens if is_own else list_organization_tokens
        return paginated(request, list_tokens(self.actor_of(request), **page_params(request)._asdict()), TokenShape)

    @extend_schema(request=TokenBody, responses={201: IssuedTokenShape})
    def post(self, request: Request) -> Response:
        """Make an API token, signed in; its value is in this answer and in no other.

        One with the scope `vault` asks for a sign-in of the last five minutes, as reading a secret does.
        """
        actor, body = self.actor_of(request), TokenBody.parse(request.data)
        if TokenScope.VAULT in body["scopes"]:
            # Else a browser that somebody left open would lend itself a key to all the secrets that it may not show.
            insist_fresh_sign_in(request, actor)
        issued = issue_token(
            actor,
            name=body["name"],
            scopes=body["scopes"],
            expires_at=TokenBody.end_of(body),
            project=access_project(actor, body["project_id"]) if "project_id" in body else None,
        )
        return Response(
            IssuedTokenShape(issued.token, context={"value": issued.value}).data,
            status=201,
            headers={"Cache-Control": "no-store"},
        )


class TokenDetail(OrganizationAPIView):
    """One API token."""

    @extend_schema(responses=TokenShape)
    def get(self, request: Request, token: str) -> Response:
        """Return an API token, without its value."""
        return Response(TokenShape(access_token(self.actor_of(request), token)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, token: str) -> Response:
        """End an API token at once."""
        revoke_token(self.actor_of(request), token_id=token)
        return Response(status=204)
