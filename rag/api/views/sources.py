# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Sources and their readings over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import OrganizationAPIView, expected_revisions, page_params, paginated
from rag.api.knowledge_bodies import ChangeSourceBody, CreateSourceBody, IngestionsQuery, SourcesQuery, SyncBody
from rag.api.knowledge_shapes import IngestionShape, RevisionShape, SourceShape
from rag.api.views.asking import address, project_named, shown, tagged
from rag.operations.ingestions import cancel_ingestion, pause_ingestion, resume_ingestion, retry_ingestion
from rag.operations.sources import change_source, create_source, delete_source, sync_source
from rag.queries.sources import (
    SourceFilter,
    access_ingestion,
    access_source,
    list_ingestions,
    list_revisions,
    list_sources,
)


def _answer(request: Request, source: Any, *, status: int = 200) -> Response:
    location = address("sources", source.pk) if status == 201 else ""
    data = shown(SourceShape, source, request)
    return tagged(data, revision=source.edits, status=status, location=location)


class SourceListView(OrganizationAPIView):
    """``/api/v1/sources/``."""

    @extend_schema(operation_id="list_sources", parameters=[SourcesQuery], responses=SourceShape(many=True))
    def get(self, request: Request) -> Response:
        """List sources, newest first."""
        actor, asked = self.actor_of(request), SourcesQuery.parse(request.query_params)
        which = SourceFilter(
            base=asked["knowledge_base_id"],
            project=project_named(actor, asked["project_id"]),
            kind=asked["type"],
            state=asked["state"],
        )
        page = list_sources(actor, which=which, **page_params(request)._asdict())
        return paginated(request, page, SourceShape)

    @extend_schema(operation_id="create_source", request=CreateSourceBody, responses={201: SourceShape})
    def post(self, request: Request) -> Response:
        """Connect a knowledge base to a source, and begin to read it."""
        said = request.data
        if not isinstance(said, dict) or not isinstance(said.get("knowledge_base_id"), str):
            raise ValidationError({"knowledge_base_id": ["Say which knowledge base, by its id or short name."]})
        base = said["knowledge_base_id"]
        source = {name: value for name, value in said.items() if name != "knowledge_base_id"}
        return _answer(request, create_source(self.actor_of(request), base, source), status=201)


class SourceView(OrganizationAPIView):
    """``/api/v1/sources/<id>/``."""

    @extend_schema(operation_id="get_source", responses=SourceShape)
    def get(self, request: Request, source: str) -> Response:
        """Return a source."""
        return _answer(request, access_source(self.actor_of(request), source))

    @extend_schema(operation_id="change_source", request=ChangeSourceBody, responses=SourceShape)
    def patch(self, request: Request, source: str) -> Response:
        """Change, pause or resume a source; it is read anew where it reads something else now."""
        edit, expected = ChangeSourceBody.edit(request.data), expected_revisions(request)
        return _answer(request, change_source(self.actor_of(request), source, edit, expected=expected))

    @extend_schema(operation_id="delete_source", responses={204: None})
    def delete(self, request: Request, source: str) -> Response:
        """Delete a source with everything that was read from it, for good."""
        delete_source(self.actor_of(request), source, expected=expected_revisions(request))
        return Response(status=204)


class SyncSourceView(OrganizationAPIView):
    """``/api/v1/sources/<id>/sync/``."""

    @extend_schema(operation_id="sync_source", request=SyncBody, responses={202: IngestionShape})
    def post(self, request: Request, source: str) -> Response:
        """Read a source now; where that is under way already, it is the one.

        What it does not have any more is gone when it is missing twice, or at once where a person says so.
        """
        said = SyncBody.parse(request.data)
        started = sync_source(self.actor_of(request), source, confirmed=said["confirmed"])
        headers = {"Location": address("ingestions", started.pk)}
        return Response(shown(IngestionShape, started, request), status=202, headers=headers)


class RevisionListView(OrganizationAPIView):
    """``/api/v1/sources/<id>/revisions/``."""

    @extend_schema(operation_id="list_source_revisions", responses=RevisionShape(many=True))
    def get(self, request: Request, source: str) -> Response:
        """List the states of a source that are known, newest first."""
        page = list_revisions(self.actor_of(request), source, **page_params(request)._asdict())
        return paginated(request, page, RevisionShape)


class IngestionListView(OrganizationAPIView):
    """``/api/v1/ingestions/``."""

    @extend_schema(operation_id="list_ingestions", parameters=[IngestionsQuery], responses=IngestionShape(many=True))
    def get(self, request: Request) -> Response:
        """List readings, newest first."""
        actor, asked = self.actor_of(request), IngestionsQuery.parse(request.query_params)
        which = SourceFilter(
            base=asked["knowledge_base_id"],
            project=project_named(actor, asked["project_id"]),
            source=asked["source_id"],
            kind=asked["kind"],
            state=asked["state"],
        )
        page = list_ingestions(actor, which=which, **page_params(request)._asdict())
        return paginated(request, page, IngestionShape)


class IngestionView(OrganizationAPIView):
    """``/api/v1/ingestions/<id>/``."""

    @extend_schema(operation_id="get_ingestion", responses=IngestionShape)
    def get(self, request: Request, ingestion: str) -> Response:
        """Return a reading: how far each stage is."""
        row = access_ingestion(self.actor_of(request), ingestion)
        return Response(shown(IngestionShape, row, request))


class _Deed(OrganizationAPIView):
    """Something that is done to a reading."""

    deed: Any

    @extend_schema(request=None, responses=IngestionShape)
    def post(self, request: Request, ingestion: str) -> Response:
        """Do it."""
        actor = self.actor_of(request)
        done = type(self).deed(actor, ingestion)
        return Response(shown(IngestionShape, access_ingestion(actor, done.pk), request))


class PauseIngestionView(_Deed):
    """``/api/v1/ingestions/<id>/pause/``: stop it where it is, to go on later."""

    deed = staticmethod(pause_ingestion)


class ResumeIngestionView(_Deed):
    """``/api/v1/ingestions/<id>/resume/``: go on where it was paused."""

    deed = staticmethod(resume_ingestion)


class RetryIngestionView(_Deed):
    """``/api/v1/ingestions/<id>/retry/``: begin again what failed; what is done stays done."""

    deed = staticmethod(retry_ingestion)


class CancelIngestionView(_Deed):
    """``/api/v1/ingestions/<id>/cancel/``: stop it for good; what is done stays."""

    deed = staticmethod(cancel_ingestion)
