# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Values over HTTP: the one view that answers them, the versions they have had, new ones and earlier ones again."""

from datetime import timedelta

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.errors import SignInNotFresh
from accounts.rest import insist_fresh_sign_in, page_params, paginated
from vault.api.bodies import RollBackBody, RotateBody, RotationBody, ValueQuery
from vault.api.shapes import PlannedRotationShape, SecretShape, SecretValueShape, SecretVersionShape
from vault.api.views.asking import SecretAPIView, answer_secret
from vault.operations.naming import BASE64, decode_value, encode_value
from vault.operations.refusals import auditing_refusals
from vault.operations.rotation import Rotation, set_rotation
from vault.operations.secrets import rotate_secret
from vault.operations.values import read_secret, roll_back
from vault.queries.secrets import access_secret, list_versions


class SecretValueView(SecretAPIView):
    """``/api/v1/secrets/<id or key>/value/``. Its answers are kept nowhere, for no Idempotency-Key either."""

    tried = "read"
    idempotency_exempt = True

    @extend_schema(operation_id="read_secret", parameters=[ValueQuery], responses=SecretValueShape)
    def get(self, request: Request, secret: str) -> Response:
        """Return a secret's value; that it was read stands in the audit trail first.

        A token needs the scope `vault`; a signed-in browser a sign-in of the last five minutes.
        """
        return self._read(request, secret)

    @extend_schema(operation_id="reveal_secret", request=None, parameters=[ValueQuery], responses=SecretValueShape)
    def post(self, request: Request, secret: str) -> Response:
        """Return a secret's value, as GET does, guarded against pages of other sites that ask in one's name."""
        return self._read(request, secret)

    def _read(self, request: Request, secret: str) -> Response:
        actor, asked = self.actor_of(request), ValueQuery.parse(request.query_params)
        with auditing_refusals(actor, "read", key=secret):
            try:
                insist_fresh_sign_in(request, actor)
            except SignInNotFresh:
                # What somebody may not see is not there for them, however they signed in.
                access_secret(actor, secret)
                raise
        opened = read_secret(actor, secret, number=asked["version"])
        text, encoding = encode_value(opened.value, in_base64=asked["encoding"] == BASE64)
        said = {"key": opened.secret.key, "version": opened.number, "value": text, "encoding": encoding}
        return Response(SecretValueShape(said).data, headers={"Cache-Control": "no-store"})


class SecretVersionsView(SecretAPIView):
    """``/api/v1/secrets/<id or key>/versions/``."""

    @extend_schema(responses=SecretVersionShape(many=True))
    def get(self, request: Request, secret: str) -> Response:
        """List the versions of a secret, newest first, without their values."""
        actor = self.actor_of(request)
        found = access_secret(actor, secret)
        return paginated(request, list_versions(actor, found, **page_params(request)._asdict()), SecretVersionShape)


class RotateSecretView(SecretAPIView):
    """``/api/v1/secrets/<id or key>/rotate/``."""

    tried = "rotate"

    @extend_schema(request=RotateBody, responses=SecretShape)
    def post(self, request: Request, secret: str) -> Response:
        """Give a secret its next value; the one before is read for ``grace_seconds`` more."""
        actor, body = self.actor_of(request), RotateBody.parse(request.data)
        with auditing_refusals(actor, "rotate", key=secret):
            value = decode_value(body["value"], encoding=body["encoding"])
        return answer_secret(rotate_secret(actor, secret, value, grace=timedelta(seconds=body["grace_seconds"])))


class SecretRotationView(SecretAPIView):
    """``/api/v1/secrets/<id or key>/rotation/``. What it answers is kept nowhere: planning twice does no harm."""

    tried = "plan rotation"
    idempotency_exempt = True

    @extend_schema(operation_id="plan_secret_rotation", request=RotationBody, responses=PlannedRotationShape)
    def put(self, request: Request, secret: str) -> Response:
        """Plan when a secret is due for its next values: people are reminded, or a program is asked by callback."""
        actor, body = self.actor_of(request), RotationBody.parse(request.data)
        planned = set_rotation(actor, secret, Rotation(**body))
        return Response(PlannedRotationShape(planned).data, headers={"Cache-Control": "no-store"})


class RollBackSecretView(SecretAPIView):
    """``/api/v1/secrets/<id or key>/rollback/``."""

    tried = "roll back"

    @extend_schema(request=RollBackBody, responses=SecretShape)
    def post(self, request: Request, secret: str) -> Response:
        """Make the value of an earlier version the current one again, as a new version."""
        body = RollBackBody.parse(request.data)
        grace = timedelta(seconds=body["grace_seconds"])
        return answer_secret(roll_back(self.actor_of(request), secret, to=body["version"], grace=grace))
