# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``/api/v1/embeddings/``"""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import OrganizationAPIView
from llm.api.embedding_shapes import EmbeddingsBody, EmbeddingsShape
from llm.operations.embedding_requests import embed_for


class Embeddings(OrganizationAPIView):
    """Texts as vectors."""

    @extend_schema(operation_id="embed", request=EmbeddingsBody, responses=EmbeddingsShape)
    def post(self, request: Request) -> Response:
        """Embed texts, each once: what the organization had embedded before costs nothing."""
        body = EmbeddingsBody.parse(request.data)
        made = embed_for(
            self.actor_of(request),
            body["texts"],
            model=body["model"],
            purpose=body["purpose"],
            project=body.get("project_id"),
        )
        return Response(EmbeddingsShape(made).data)
