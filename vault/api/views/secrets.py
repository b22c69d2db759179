# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Secrets over HTTP: putting, listing, describing, destroying, restoring."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actor import Actor
from accounts.queries.projects import access_project
from accounts.queries.teams import access_team
from accounts.rest import expected_revisions, page_params, paginated
from vault.api.bodies import ChangeSecretBody, CreateSecretBody, DestroyQuery, PutBody, SecretsQuery
from vault.api.shapes import PutShape, SecretShape, UseShape
from vault.api.views.asking import SecretAPIView, answer_secret
from vault.operations.folders import name_folder
from vault.operations.naming import decode_value
from vault.operations.refusals import auditing_refusals
from vault.operations.secrets import SecretEdit, change_secret, destroy_secret, put_secret, restore_secret
from vault.queries.secrets import SecretFilters, access_secret, list_secrets, page_of_uses


class PutSecretView(SecretAPIView):
    """``/vault/put``."""

    tried = "put"

    @extend_schema(operation_id="put_secret", request=PutBody, responses={201: PutShape})
    def post(self, request: Request) -> Response:
        """Put a value under a key: a new secret, or a new version of the one that has this key there.

        The value is never answered.
        """
        secret = _put(self.actor_of(request), PutBody.parse(request.data))
        location = {"Location": f"/api/v1/secrets/{secret.pk}/"}
        return Response(PutShape(secret).data, status=201, headers=location)


class SecretListView(SecretAPIView):
    """``/api/v1/secrets/``."""

    tried = "put"

    @extend_schema(parameters=[SecretsQuery], responses=SecretShape(many=True))
    def get(self, request: Request) -> Response:
        """List the secrets one may use, newest first, without their values."""
        self.tried = ""
        actor, params = self.actor_of(request), page_params(request)
        asked = SecretsQuery.parse(request.query_params)
        filters = SecretFilters(
            scope=asked["scope"],
            kind=asked["kind"],
            tag=asked["tag"],
            text=asked["q"],
            project=access_project(actor, asked["project_id"]) if asked["project_id"] else None,
            team=access_team(actor, asked["team_id"]) if asked["team_id"] else None,
            is_destroyed=asked["destroyed"],
        )
        return paginated(request, list_secrets(actor, filters=filters, **params._asdict()), SecretShape)

    @extend_schema(request=CreateSecretBody, responses={201: SecretShape})
    def post(self, request: Request) -> Response:
        """Make a secret, or give another value to the one that has this key there, and describe it."""
        return answer_secret(_put(self.actor_of(request), CreateSecretBody.parse(request.data)), status=201)


class SecretView(SecretAPIView):
    """``/api/v1/secrets/<id or key>/``."""

    @extend_schema(responses=SecretShape)
    def get(self, request: Request, secret: str) -> Response:
        """Return what is said of a secret, never its value; also of a destroyed one, by its id."""
        return answer_secret(access_secret(self.actor_of(request), secret, may_be_destroyed=True))

    @extend_schema(request=ChangeSecretBody, responses=SecretShape)
    def patch(self, request: Request, secret: str) -> Response:
        """Change what is said of a secret; ``If-Match`` keeps two people from losing each other's work."""
        self.tried = "change"
        edit = _edit(ChangeSecretBody.parse(request.data, partial=True))
        return answer_secret(
            change_secret(self.actor_of(request), secret, edit=edit, expected=expected_revisions(request))
        )

    @extend_schema(parameters=[DestroyQuery], responses=SecretShape)
    def delete(self, request: Request, secret: str) -> Response:
        """Destroy a secret: nobody reads it any more, and it can be restored until the day that is answered."""
        asked = DestroyQuery.parse(request.query_params)
        return answer_secret(
            destroy_secret(self.actor_of(request), secret, **asked, expected=expected_revisions(request))
        )


class RestoreSecretView(SecretAPIView):
    """``/api/v1/secrets/<id>/restore/``."""

    @extend_schema(request=None, responses=SecretShape)
    def post(self, request: Request, secret: str) -> Response:
        """Take back that a secret was destroyed."""
        return answer_secret(restore_secret(self.actor_of(request), secret))


class SecretUsesView(SecretAPIView):
    """``/api/v1/secrets/<id or key>/uses/``."""

    @extend_schema(responses=UseShape(many=True))
    def get(self, request: Request, secret: str) -> Response:
        """List what names a secret, in the projects one sees."""
        actor = self.actor_of(request)
        found = access_secret(actor, secret)
        return paginated(request, page_of_uses(actor, found, **page_params(request)._asdict()), UseShape)


def _put(actor: Actor, body: dict[str, Any]) -> Any:
    key = body.pop("key")
    with auditing_refusals(actor, "put", key=key):
        folder = name_folder(actor, scope=body.pop("scope"), project=body.pop("project_id"), team=body.pop("team_id"))
        value = decode_value(body.pop("value"), encoding=body.pop("encoding"))
    return put_secret(actor, key, value, folder=folder, edit=_edit(body))


def _edit(body: dict[str, Any]) -> SecretEdit:
    if "expires_at" in body:
        body["expires_at"] = (body["expires_at"],)
    return SecretEdit(**body)
