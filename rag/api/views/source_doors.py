# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Doors of sources beside their rows: trying one, and the webhook by which a host tells of pushes."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import OrganizationAPIView
from rag.api.knowledge_bodies import CreateSourceBody
from rag.operations.source_hooks import close_source_hook, open_source_hook, receive_push
from rag.operations.source_trials import try_new_source, try_source


class SourceTrialShape(serializers.Serializer[Any]):
    """How trying a source went: what it holds, or what is in the way."""

    is_ok = serializers.BooleanField()
    seconds = serializers.FloatField()
    branch = serializers.CharField(help_text="Of a repository: which branch would be read.")
    commit = serializers.CharField(help_text="Of a repository: where that branch stands.")
    branches = serializers.ListField(
        child=serializers.CharField(), help_text="The first of them, the default one first."
    )
    found = serializers.IntegerField(allow_null=True, help_text="How many documents are listed; null of repositories.")
    shown = serializers.ListField(child=serializers.CharField(), help_text="The first of what is listed.")
    error_code = serializers.CharField()
    error = serializers.CharField()


class SourceHookShape(serializers.Serializer[Any]):
    """A webhook as its host is told of it. The secret is shown this once."""

    url = serializers.CharField(source="address")
    secret = serializers.CharField()


class ReceivedPushShape(serializers.Serializer[Any]):
    """What became of a call."""

    ingestion_id = serializers.UUIDField(allow_null=True, help_text="Null where there was nothing to read.")
    is_replay = serializers.BooleanField(help_text="Whether this delivery had come before.")


class TrySourceView(OrganizationAPIView):
    """``/api/v1/sources/<id>/try/``."""

    @extend_schema(operation_id="try_source", request=None, responses=SourceTrialShape)
    def post(self, request: Request, source: str) -> Response:
        """Try whether a source opens now, with its key opened as whoever asks."""
        return Response(SourceTrialShape(try_source(self.actor_of(request), source)).data)


class TryNewSourceView(OrganizationAPIView):
    """``/api/v1/knowledge-bases/<id>/try-source/``."""

    @extend_schema(operation_id="try_new_source", request=CreateSourceBody, responses=SourceTrialShape)
    def post(self, request: Request, base: str) -> Response:
        """Try a source as it is said, without connecting it."""
        if not isinstance(request.data, dict):
            raise ValidationError("Say the source as an object with a type.")
        return Response(SourceTrialShape(try_new_source(self.actor_of(request), base, request.data)).data)


class SourceHookView(OrganizationAPIView):
    """``/api/v1/sources/<id>/webhook/``."""

    @extend_schema(operation_id="open_source_webhook", request=None, responses=SourceHookShape)
    def post(self, request: Request, source: str) -> Response:
        """Let the repository's host call when somebody pushes; a webhook that is open gets another secret."""
        return Response(SourceHookShape(open_source_hook(self.actor_of(request), source)).data)

    @extend_schema(operation_id="close_source_webhook", responses={204: None})
    def delete(self, request: Request, source: str) -> Response:
        """Let nobody call any more."""
        close_source_hook(self.actor_of(request), source)
        return Response(status=204)


class ReceivePushView(OrganizationAPIView):
    """``/hooks/sources/<id>/``: asks for a signature and for nobody's sign-in."""

    idempotency_exempt = True
    authentication_classes: list[type[BaseAuthentication]] = []
    permission_classes: list[type[BasePermission]] = []  # type: ignore[assignment]

    @extend_schema(
        operation_id="tell_of_push",
        request={"application/json": dict},
        responses={200: ReceivedPushShape, 202: ReceivedPushShape},
        auth=[],
    )
    def post(self, request: Request, hook: str) -> Response:
        """Have a source read because somebody pushed; 200 where that had been said before."""
        received = receive_push(hook, headers=request.headers, body=request._request.body)
        return Response(ReceivedPushShape(received).data, status=200 if received.is_replay else 202)
