# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What was kept of a flow over HTTP: versions, revisions, differences."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import OrganizationAPIView, expected_revisions, page_params, paginated
from agents.api.flow_shapes import (
    DiffQuery,
    FlowDiffShape,
    FlowRevisionShape,
    FlowRevisionSummaryShape,
    FlowShape,
    FlowVersionShape,
    FlowVersionSummaryShape,
    PublishBody,
)
from agents.api.views.flows import answer_flow
from agents.operations.versions import publish_flow, restore_version
from agents.queries.versions import access_revision, access_version, diff_versions, list_revisions, list_versions


class PublishFlowView(OrganizationAPIView):
    """``/api/v1/flows/<id or slug>/publish/``."""

    @extend_schema(request=PublishBody, responses={200: FlowVersionShape, 201: FlowVersionShape})
    def post(self, request: Request, flow: str) -> Response:
        """Freeze the draft as the next version and make it the one that runs; 200 where nothing had changed."""
        body = PublishBody.parse(request.data or {})
        done = publish_flow(self.actor_of(request), flow=flow, note=body["note"], expected=expected_revisions(request))
        return Response(FlowVersionShape(done.version).data, status=201 if done.is_new else 200)


class VersionListView(OrganizationAPIView):
    """``/api/v1/flows/<id or slug>/versions/``."""

    @extend_schema(responses=FlowVersionSummaryShape(many=True))
    def get(self, request: Request, flow: str) -> Response:
        """List a flow's versions, newest first."""
        page = list_versions(self.actor_of(request), flow, **page_params(request)._asdict())
        return paginated(request, page, FlowVersionSummaryShape)


class VersionView(OrganizationAPIView):
    """``/api/v1/flows/<id or slug>/versions/<number>/``."""

    @extend_schema(responses=FlowVersionShape)
    def get(self, request: Request, flow: str, number: str) -> Response:
        """Return one version with its document."""
        return Response(FlowVersionShape(access_version(self.actor_of(request), flow, number=number)).data)


class RestoreVersionView(OrganizationAPIView):
    """``/api/v1/flows/<id or slug>/versions/<number>/restore/``."""

    @extend_schema(request=None, responses=FlowShape)
    def post(self, request: Request, flow: str, number: str) -> Response:
        """Make a version the draft again; the draft it replaces stays among the revisions."""
        row = restore_version(self.actor_of(request), flow=flow, number=number, expected=expected_revisions(request))
        return answer_flow(row)


class VersionDiffView(OrganizationAPIView):
    """``/api/v1/flows/<id or slug>/versions/<number>/diff/``."""

    @extend_schema(operation_id="diff_flow_versions", parameters=[DiffQuery], responses=FlowDiffShape)
    def get(self, request: Request, flow: str, number: str) -> Response:
        """Tell what of a version reads otherwise in another one, or in the draft."""
        other = DiffQuery.parse(request.query_params)["with"]
        return Response(FlowDiffShape(diff_versions(self.actor_of(request), flow, number=number, other=other)).data)


class RevisionListView(OrganizationAPIView):
    """``/api/v1/flows/<id or slug>/revisions/``."""

    @extend_schema(responses=FlowRevisionSummaryShape(many=True))
    def get(self, request: Request, flow: str) -> Response:
        """List the drafts that were kept of a flow, newest first: the last fifty."""
        page = list_revisions(self.actor_of(request), flow, **page_params(request)._asdict())
        return paginated(request, page, FlowRevisionSummaryShape)


class RevisionView(OrganizationAPIView):
    """``/api/v1/flows/<id or slug>/revisions/<number>/``."""

    @extend_schema(responses=FlowRevisionShape)
    def get(self, request: Request, flow: str, number: str) -> Response:
        """Return one kept draft with its text."""
        return Response(FlowRevisionShape(access_revision(self.actor_of(request), flow, number=number)).data)
