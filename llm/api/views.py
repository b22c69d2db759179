# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``/api/v1/models/``"""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.queries.pages import Page
from accounts.rest import OrganizationAPIView, paginated
from llm.queries.models import NamedModel, list_models


class ModelShape(serializers.Serializer[NamedModel]):
    """A name that a step may give as its model."""

    name = serializers.CharField()
    provider: Any = serializers.CharField(allow_null=True, help_text="Who serves it here; null where nobody does.")
    kind = serializers.ChoiceField(
        choices=("route", "deployment", "model"), help_text="`model`: as the installation knows it."
    )
    project_id: Any = serializers.UUIDField(allow_null=True, help_text="Of a project's own route.")
    is_available = serializers.BooleanField(help_text="Whether it answers itself.")
    substitute: Any = serializers.CharField(allow_null=True, help_text="Who answers in its place; null for nobody.")


class ModelList(OrganizationAPIView):
    """The models known here."""

    @extend_schema(responses=ModelShape(many=True))
    def get(self, request: Request) -> Response:
        """List every name known here and who answers for it, all on one page."""
        return paginated(request, Page(list(list_models(self.actor_of(request)))), ModelShape)
