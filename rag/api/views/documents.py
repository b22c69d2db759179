# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Documents over HTTP: uploaded, listed, tagged, read again, deleted."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.core.exceptions import TooManyFilesSent
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import OrganizationAPIView, page_params, paginated
from accounts.rest.files import FileAPIView, streamed_bytes
from accounts.rest.problems import answer_of, problem_of
from accounts.roles import Permission
from codexos.kernel.errors import CodexosError, InvalidInput
from rag.api.bodies import announced_bytes, pieces_of
from rag.api.knowledge_bodies import ChangeDocumentBody, DocumentsQuery, UploadQuery
from rag.api.knowledge_shapes import ChunkShape, DocumentShape, IngestionShape, TakenShape, UploadShape
from rag.api.statuses import STATUSES
from rag.api.views.asking import address, project_named, shown, tagged
from rag.operations.documents import change_document, delete_document, read_document, retry_document
from rag.operations.uploads import MOST_FILES, Sent, Taken, Upload, upload_documents
from rag.queries.documents import DocumentFilter, access_document, list_chunks, list_documents
from rag.queries.knowledge_bases import access_knowledge_base


class UploadBody(serializers.Serializer[Any]):
    """A form with files."""

    file = serializers.ListField(child=serializers.FileField(), help_text="One or several.")
    path = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="Where each stands, with its folders, in the order of the files; left out: their names.",
    )


class NothingTaken(InvalidInput):
    """None of the files that were sent could be taken. ``details["errors"]`` says of each why."""

    def __init__(self, taken: Sequence[Taken]) -> None:
        errors = [{"place": each.path[:200], "message": each.error.message} for each in taken if each.error]
        super().__init__(f"None of the {len(taken)} files could be taken. Each says why.", errors=errors)


class TakesFiles(OrganizationAPIView):
    """A view that is sent files: done again with the same ones it changes nothing."""

    idempotency_exempt = True

    def handle_exception(self, exc: Exception) -> Any:
        """Answer what only uploads know by the statuses that HTTP has for it."""
        if isinstance(exc, TooManyFilesSent):
            message = f"More than {MOST_FILES} files were sent at once. Send them in several calls."
            exc = InvalidInput(message, errors=[{"place": "file", "message": message}])
        status = STATUSES.get(type(exc)) if isinstance(exc, CodexosError) else None
        return answer_of(replace(problem_of(exc), status=status)) if status else super().handle_exception(exc)

    def answer(self, request: Request, upload: Upload) -> Response:
        """Say what became of each file. Raises why, where none was taken."""
        refused = [each for each in upload.files if each.error is not None]
        if len(refused) == len(upload.files):
            raise (refused[0].error if len(refused) == 1 and refused[0].error else NothingTaken(refused))
        ingestion = shown(IngestionShape, upload.ingestion, request) if upload.ingestion else None
        data = {
            "source_id": str(upload.source.pk),
            "ingestion": ingestion,
            "results": [TakenShape(_said(each)).data for each in upload.files],
        }
        return Response(data, status=201 if any(each.is_new for each in upload.files) else 200)


class UploadView(TakesFiles):
    """``/api/v1/knowledge-bases/<id or short name>/files/``."""

    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="upload_documents",
        parameters=[UploadQuery],
        request={"multipart/form-data": UploadBody},
        responses={200: UploadShape, 201: UploadShape},
    )
    def post(self, request: Request, base: str) -> Response:
        """Upload files, whole folders of them: each becomes a document, or says alone why it does not.

        The same content under the same path changes nothing, so that an upload that broke off is simply sent again.
        """
        actor, asked = self.actor_of(request), UploadQuery.parse(request.query_params)
        # Asked before the form is taken apart, which is the dearer part.
        access_knowledge_base(actor, base, to=Permission.WRITE_FILES)
        return self.answer(request, upload_documents(actor, base, _sent(request), **_where(asked)))


class UploadFileView(TakesFiles):
    """``/api/v1/knowledge-bases/<id or short name>/files/<path>``."""

    @extend_schema(
        operation_id="put_document",
        parameters=[UploadQuery],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={200: UploadShape, 201: UploadShape},
    )
    def put(self, request: Request, base: str, path: str) -> Response:
        """Upload one file, its bytes as the body: ``curl -T notes.md …/files/docs/notes.md``."""
        actor, asked = self.actor_of(request), UploadQuery.parse(request.query_params)
        plain: HttpRequest = request._request
        sent = Sent(path, pieces_of(plain, path=path), announced_bytes(plain))
        return self.answer(request, upload_documents(actor, base, [sent], **_where(asked)))


class DocumentListView(OrganizationAPIView):
    """``/api/v1/documents/``."""

    @extend_schema(operation_id="list_documents", parameters=[DocumentsQuery], responses=DocumentShape(many=True))
    def get(self, request: Request) -> Response:
        """List documents, newest first."""
        actor, asked = self.actor_of(request), DocumentsQuery.parse(request.query_params)
        which = DocumentFilter(
            base=asked["knowledge_base_id"],
            source=asked["source_id"],
            project=project_named(actor, asked["project_id"]),
            state=asked["state"],
            tag=asked["tag"],
            prefix=asked["prefix"],
            search=asked["search"],
        )
        page = list_documents(actor, which=which, **page_params(request)._asdict())
        return paginated(request, page, DocumentShape)


class DocumentView(OrganizationAPIView):
    """``/api/v1/documents/<id>/``."""

    @extend_schema(operation_id="get_document", responses=DocumentShape)
    def get(self, request: Request, document: str) -> Response:
        """Return what is known of a document."""
        return _answer(request, access_document(self.actor_of(request), document))

    @extend_schema(operation_id="change_document", request=ChangeDocumentBody, responses=DocumentShape)
    def patch(self, request: Request, document: str) -> Response:
        """Tag a document."""
        said = ChangeDocumentBody.parse(request.data)
        return _answer(request, change_document(self.actor_of(request), document, tags=said["tags"]))

    @extend_schema(operation_id="delete_document", responses={204: None})
    def delete(self, request: Request, document: str) -> Response:
        """Delete an uploaded document with its chunks, for good."""
        delete_document(self.actor_of(request), document)
        return Response(status=204)


class ChunkListView(OrganizationAPIView):
    """``/api/v1/documents/<id>/chunks/``."""

    @extend_schema(operation_id="list_document_chunks", responses=ChunkShape(many=True))
    def get(self, request: Request, document: str) -> Response:
        """List the chunks of a document, in their order."""
        page = list_chunks(self.actor_of(request), document, **page_params(request)._asdict())
        return paginated(request, page, ChunkShape)


class DocumentContentView(FileAPIView):
    """``/api/v1/documents/<id>/content/``."""

    @extend_schema(
        operation_id="get_document_content", responses={(200, "application/octet-stream"): OpenApiTypes.BINARY}
    )
    def get(self, request: Request, document: str) -> HttpResponseBase:
        """Download what was uploaded."""
        kept = read_document(self.actor_of(request), document)
        name = kept.document.path.rpartition("/")[2]
        return streamed_bytes(request._request, kept.chunks, name=name, size=kept.document.size)


class RetryDocumentView(OrganizationAPIView):
    """``/api/v1/documents/<id>/retry/``."""

    @extend_schema(operation_id="retry_document", request=None, responses={202: IngestionShape})
    def post(self, request: Request, document: str) -> Response:
        """Have a document read again."""
        started = retry_document(self.actor_of(request), document)
        headers = {"Location": address("ingestions", started.pk)}
        return Response(shown(IngestionShape, started, request), status=202, headers=headers)


def _answer(request: Request, document: Any) -> Response:
    return tagged(shown(DocumentShape, document, request), revision=document.version)


def _sent(request: Request) -> list[Sent]:
    files = request.FILES.getlist("file")
    paths = request.POST.getlist("path")
    if paths and len(paths) != len(files):
        message = f"There are {len(files)} files and {len(paths)} paths. Give each file its path, or none of them."
        raise InvalidInput(message, errors=[{"place": "path", "message": message}])
    names = paths or [each.name or "" for each in files]
    return [Sent(name, each.chunks(), each.size) for name, each in zip(names, files, strict=True)]


def _where(asked: Mapping[str, Any]) -> dict[str, Any]:
    tags = [asked["tag"]] if asked["tag"] else []
    return {"source": asked["source_id"], "folder": asked["folder"], "tags": tags}


def _said(taken: Taken) -> dict[str, Any]:
    state = "refused" if taken.error else "new" if taken.is_new else "changed" if taken.is_changed else "unchanged"
    return {
        "path": taken.path,
        "state": state,
        "document_id": taken.document.pk if taken.document else None,
        "code": taken.error.code if taken.error else None,
        "detail": taken.error.message if taken.error else None,
    }
