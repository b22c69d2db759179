# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Over HTTP: with whom a secret is shared, and the rules about tags."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import page_params, paginated
from vault.api.bodies import ShareBody, TagRuleBody, TagRulesQuery
from vault.api.shapes import SecretShareShape, TagRuleShape
from vault.api.views.asking import SecretAPIView
from vault.operations.rules import RuleRequest, drop_rule, make_rule
from vault.operations.sharing import Whom, share_secret, unshare_secret
from vault.queries.secrets import access_secret
from vault.queries.sharing import list_shares, list_tag_rules


class SecretSharesView(SecretAPIView):
    """``/api/v1/secrets/<id or key>/shares/``."""

    @extend_schema(responses=SecretShareShape(many=True))
    def get(self, request: Request, secret: str) -> Response:
        """List with whom a secret is shared, for those who may change it."""
        actor = self.actor_of(request)
        page = list_shares(actor, access_secret(actor, secret), **page_params(request)._asdict())
        return paginated(request, page, SecretShareShape)

    @extend_schema(request=ShareBody, responses={201: SecretShareShape})
    def post(self, request: Request, secret: str) -> Response:
        """Let a team or a member use a secret: read it, run flows with it, and not change it."""
        self.tried = "share"
        body = ShareBody.parse(request.data)
        share = share_secret(self.actor_of(request), secret, whom=Whom(body["team_id"], body["member_id"]))
        return Response(SecretShareShape(share).data, status=201)


class SecretShareView(SecretAPIView):
    """``/api/v1/secrets/<id or key>/shares/<id>/``."""

    @extend_schema(responses={204: None})
    def delete(self, request: Request, secret: str, share: str) -> Response:
        """Take a share back."""
        unshare_secret(self.actor_of(request), secret, share)
        return Response(status=204)


class TagRuleListView(SecretAPIView):
    """``/api/v1/vault/tag-rules/``."""

    @extend_schema(parameters=[TagRulesQuery], responses=TagRuleShape(many=True))
    def get(self, request: Request) -> Response:
        """List the organization's rules about tags, newest first."""
        asked = TagRulesQuery.parse(request.query_params)
        page = list_tag_rules(self.actor_of(request), tag=asked["tag"], **page_params(request)._asdict())
        return paginated(request, page, TagRuleShape)

    @extend_schema(request=TagRuleBody, responses={201: TagRuleShape})
    def post(self, request: Request) -> Response:
        """Make a rule: it opens the secrets with a tag to a team, a member or a role, or closes them."""
        self.tried = "make tag rule"
        body = TagRuleBody.parse(request.data)
        whom = Whom(body.pop("team_id"), body.pop("member_id"))
        rule = make_rule(self.actor_of(request), RuleRequest(whom=whom, **body))
        return Response(TagRuleShape(rule).data, status=201)


class TagRuleView(SecretAPIView):
    """``/api/v1/vault/tag-rules/<id>/``."""

    @extend_schema(responses={204: None})
    def delete(self, request: Request, rule: str) -> Response:
        """Drop a rule; who may use what is worked out anew with the next request."""
        drop_rule(self.actor_of(request), rule)
        return Response(status=204)
