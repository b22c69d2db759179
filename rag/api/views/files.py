# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Project files over HTTP."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import parse_etags
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import OrganizationAPIView, page_params, paginated
from accounts.rest.problems import answer_of, problem_of
from codexos.kernel.errors import CodexosError
from rag.api.bodies import announced_bytes, pieces_of
from rag.api.downloads import download
from rag.api.serializers import FileShape, PreviewShape, VersionShape
from rag.api.statuses import STATUSES
from rag.operations.contents import preview_text
from rag.operations.files import Expectation, delete_file, store_file
from rag.queries.files import access_version, list_files, list_versions

_BYTES = {(200, "application/octet-stream"): OpenApiTypes.BINARY}


class AnyType(DefaultContentNegotiation):
    """A file is of its own type, whatever the client would like best."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Answer JSON where the answer is not a file."""
        first = next(iter(renderers))
        return first, first.media_type or ""


class FileList(OrganizationAPIView):
    """The files of a project."""

    @extend_schema(
        parameters=[OpenApiParameter("prefix", str, description="Only paths that begin so.")],
        responses=FileShape(many=True),
        operation_id="list_project_files",
    )
    def get(self, request: Request, project: str) -> Response:
        """List a project's files by path."""
        page = list_files(
            self.actor_of(request),
            project,
            prefix=request.query_params.get("prefix", ""),
            **page_params(request)._asdict(),
        )
        return paginated(request, page, FileShape)


class FileDetail(OrganizationAPIView):
    """One file, its content as the body."""

    content_negotiation_class = AnyType
    idempotency_exempt = True

    @extend_schema(
        parameters=[
            OpenApiParameter("version", int, description="An older version instead of the current one."),
            OpenApiParameter("versions", bool, description="List the versions instead."),
            OpenApiParameter("preview", str, enum=["text"], description="The first 64 KB of a text file as JSON."),
        ],
        responses=_BYTES,
        operation_id="get_project_file",
    )
    def get(self, request: Request, project: str, path: str) -> HttpResponseBase:
        """Download a file; ranges and If-None-Match are honored."""
        actor, asked = self.actor_of(request), request.query_params
        if "versions" in asked:
            page = list_versions(actor, project, path, **page_params(request)._asdict())
            return paginated(request, page, VersionShape)
        if asked.get("preview") == "text":
            preview = preview_text(actor, project, path, number=asked.get("version"))
            return Response(PreviewShape(preview).data)
        return download(request._request, access_version(actor, project, path, number=asked.get("version")))

    @extend_schema(exclude=True)
    def head(self, request: Request, project: str, path: str) -> HttpResponseBase:
        """Tell what a download would be."""
        return self.get(request, project, path)

    @extend_schema(
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={200: FileShape, 201: FileShape},
        operation_id="put_project_file",
    )
    def put(self, request: Request, project: str, path: str) -> Response:
        """Store the body under the path: 201 for a new file, 200 for a new version or the same content.

        If-Match and If-None-Match guard against overwriting what the writer has not seen (412).
        """
        stored = store_file(
            self.actor_of(request),
            project,
            path=path,
            chunks=pieces_of(request._request, path=path),
            expected_bytes=announced_bytes(request._request),
            expectation=_expectation(request),
        )
        shape = FileShape(stored.file, context={"request": request}).data
        headers = {"ETag": stored.file.current.etag, "Location": shape["url"]}
        return Response(shape, status=201 if stored.is_new else 200, headers=headers)

    @extend_schema(responses={204: None}, operation_id="delete_project_file")
    def delete(self, request: Request, project: str, path: str) -> HttpResponse:
        """Delete a file with all its versions."""
        delete_file(self.actor_of(request), project, path=path, expectation=_expectation(request))
        return HttpResponse(status=204)

    def handle_exception(self, exc: Exception) -> Any:
        """Answer what only uploads and downloads know by the statuses that HTTP has for it."""
        status = STATUSES.get(type(exc)) if isinstance(exc, CodexosError) else None
        return answer_of(replace(problem_of(exc), status=status)) if status else super().handle_exception(exc)


def _expectation(request: Request) -> Expectation:
    wanted, unwanted = request.headers.get("If-Match"), request.headers.get("If-None-Match", "")
    one_of = None if wanted is None else _hashes(wanted)
    return Expectation(one_of=one_of, none_of=_hashes(unwanted))


def _hashes(header: str) -> frozenset[str]:
    return frozenset(tag.strip('"') for tag in parse_etags(header))
