# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``/api/v1/models/``"""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.queries.pages import Page
from accounts.rest import OrganizationAPIView, paginated
from llm.api.shapes import ModelShape
from llm.queries.models import list_models


class ModelList(OrganizationAPIView):
    """The models known here."""

    @extend_schema(responses=ModelShape(many=True))
    def get(self, request: Request) -> Response:
        """List every name known here and who answers for it, all on one page."""
        return paginated(request, Page(list(list_models(self.actor_of(request)))), ModelShape)
