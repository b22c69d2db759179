# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``/api/v1/deployments/``"""

from functools import partial
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import OrganizationAPIView, check_if_match, etag_of, page_params, paginated
from llm.api.bodies import DeploymentBody, DeploymentsQuery
from llm.api.shapes import DeploymentShape
from llm.operations.deployments import change_deployment, create_deployment, delete_deployment
from llm.queries.providers import access_deployment, access_provider, list_deployments


def _answer(row: Any, *, status: int = 200) -> Response:
    headers = {"ETag": etag_of(row)}
    if status == 201:
        headers["Location"] = f"/api/v1/deployments/{row.pk}/"
    return Response(DeploymentShape(row).data, status=status, headers=headers)


class DeploymentList(OrganizationAPIView):
    """The models that the organization has at its providers."""

    @extend_schema(operation_id="deployments_list", parameters=[DeploymentsQuery], responses=DeploymentShape(many=True))
    def get(self, request: Request) -> Response:
        """List the deployments, newest first."""
        actor, asked = self.actor_of(request), DeploymentsQuery.parse(request.query_params)
        provider = access_provider(actor, asked["provider_id"]) if asked["provider_id"] else None
        page = list_deployments(actor, provider=provider, **page_params(request)._asdict())
        return paginated(request, page, DeploymentShape)

    @extend_schema(request=DeploymentBody, responses={201: DeploymentShape})
    def post(self, request: Request) -> Response:
        """Offer a model of a provider under a name that flows and routes know."""
        return _answer(create_deployment(self.actor_of(request), DeploymentBody.edit(request.data)), status=201)


class DeploymentDetail(OrganizationAPIView):
    """``/api/v1/deployments/<id>/``."""

    @extend_schema(operation_id="deployments_retrieve", responses=DeploymentShape)
    def get(self, request: Request, deployment: str) -> Response:
        """Return a deployment."""
        return _answer(access_deployment(self.actor_of(request), deployment))

    @extend_schema(request=DeploymentBody(partial=True), responses=DeploymentShape)
    def patch(self, request: Request, deployment: str) -> Response:
        """Change a deployment; flows that name it are answered by what it is then."""
        edit = DeploymentBody.edit(request.data, partial=True)
        check = partial(check_if_match, request)
        return _answer(change_deployment(self.actor_of(request), deployment, edit, check=check))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, deployment: str) -> Response:
        """Offer a model no longer, where no route leads to it."""
        delete_deployment(self.actor_of(request), deployment, check=partial(check_if_match, request))
        return Response(status=204)
