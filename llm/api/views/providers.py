# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``/api/v1/model-providers/``"""

from functools import partial
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import OrganizationAPIView, check_if_match, etag_of, page_params, paginated
from llm.api.bodies import ProviderBody, TrialBody
from llm.api.shapes import ProviderShape, TrialShape
from llm.operations.providers import change_provider, create_provider, delete_provider
from llm.operations.trials import try_provider
from llm.queries.providers import access_provider, list_providers


def _answer(request: Request, row: Any, *, status: int = 200) -> Response:
    headers = {"ETag": etag_of(row)}
    if status == 201:
        headers["Location"] = f"/api/v1/model-providers/{row.pk}/"
    return Response(ProviderShape(row, context={"request": request}).data, status=status, headers=headers)


class ProviderList(OrganizationAPIView):
    """The organization's providers of models."""

    @extend_schema(operation_id="model_providers_list", responses=ProviderShape(many=True))
    def get(self, request: Request) -> Response:
        """List the providers, newest first."""
        return paginated(
            request, list_providers(self.actor_of(request), **page_params(request)._asdict()), ProviderShape
        )

    @extend_schema(request=ProviderBody, responses={201: ProviderShape})
    def post(self, request: Request) -> Response:
        """Connect the organization to a provider. Its key is put into the vault first, and named here."""
        return _answer(request, create_provider(self.actor_of(request), ProviderBody.edit(request.data)), status=201)


class ProviderDetail(OrganizationAPIView):
    """``/api/v1/model-providers/<id>/``."""

    @extend_schema(operation_id="model_providers_retrieve", responses=ProviderShape)
    def get(self, request: Request, provider: str) -> Response:
        """Return a provider."""
        return _answer(request, access_provider(self.actor_of(request), provider))

    @extend_schema(request=ProviderBody(partial=True), responses=ProviderShape)
    def patch(self, request: Request, provider: str) -> Response:
        """Change a provider; ``If-Match`` keeps two people from losing each other's work."""
        edit = ProviderBody.edit(request.data, partial=True)
        check = partial(check_if_match, request)
        return _answer(request, change_provider(self.actor_of(request), provider, edit, check=check))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, provider: str) -> Response:
        """Forget a provider at which no deployment stands. The secret stays in the vault."""
        delete_provider(self.actor_of(request), provider, check=partial(check_if_match, request))
        return Response(status=204)


class ProviderTrial(OrganizationAPIView):
    """``/api/v1/model-providers/<id>/test/``."""

    @extend_schema(operation_id="try_model_provider", request=TrialBody, responses=TrialShape)
    def post(self, request: Request, provider: str) -> Response:
        """Ask one tiny question, and tell the answer or the real error. It costs what such an answer costs."""
        body = TrialBody.parse(request.data)
        return Response(TrialShape(try_provider(self.actor_of(request), provider, model=body["model"])).data)
