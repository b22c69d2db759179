# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Knowledge bases over HTTP: made, configured, changed, asked, deleted."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.queries.projects import only_project
from accounts.rest import OrganizationAPIView, expected_revisions, page_params, paginated
from rag.api.golden_shapes import SwitchBody
from rag.api.knowledge_bodies import (
    AskBody,
    BasesQuery,
    ChangeBaseBody,
    ConfigurationBody,
    CreateBaseBody,
    PreviewBody,
    QueryBody,
)
from rag.api.knowledge_shapes import (
    BaseShape,
    BaseSummaryShape,
    ChunkPreviewShape,
    ConfiguredShape,
    IndexShape,
    IngestionShape,
    SourceShape,
    TriedPreviewShape,
)
from rag.api.passage_shapes import AnswerShape, answer_of
from rag.api.views.asking import address, project_named, shown, tagged
from rag.operations.index_switches import switch_index
from rag.operations.knowledge_bases import (
    Configured,
    change_knowledge_base,
    configure_knowledge_base,
    create_knowledge_base,
    delete_knowledge_base,
    rebuild_knowledge_base,
)
from rag.operations.previews import preview_chunks
from rag.operations.retrieval import retrieve
from rag.queries.knowledge_bases import access_knowledge_base, figures_of, list_indexes, list_knowledge_bases


def _answer(view: OrganizationAPIView, request: Request, base: Any, *, status: int = 200) -> Response:
    figures = figures_of(view.actor_of(request), base)
    data = shown(BaseShape, base, request, figures=figures)
    location = address("knowledge-bases", base.pk) if status == 201 else ""
    return tagged(data, revision=base.revision, status=status, location=location)


class KnowledgeBaseListView(OrganizationAPIView):
    """``/api/v1/knowledge-bases/``."""

    @extend_schema(operation_id="list_knowledge_bases", parameters=[BasesQuery], responses=BaseSummaryShape(many=True))
    def get(self, request: Request) -> Response:
        """List knowledge bases, newest first."""
        actor, asked = self.actor_of(request), BasesQuery.parse(request.query_params)
        project = project_named(actor, asked.pop("project_id"))
        page = list_knowledge_bases(actor, project=project, **asked, **page_params(request)._asdict())
        return paginated(request, page, BaseSummaryShape)

    @extend_schema(operation_id="create_knowledge_base", request=CreateBaseBody, responses={201: BaseShape})
    def post(self, request: Request) -> Response:
        """Make a knowledge base, in the product's own JSON: its sources are connected, and begin to be read."""
        actor, said = self.actor_of(request), CreateBaseBody.parse(request.data)
        project = said.get("project_id") or only_project(actor).pk
        made = create_knowledge_base(actor, project, CreateBaseBody.edit(said), sources=said.get("sources", ()))
        return _answer(self, request, made.base, status=201)


class KnowledgeBaseView(OrganizationAPIView):
    """``/api/v1/knowledge-bases/<id or short name>/``."""

    @extend_schema(operation_id="get_knowledge_base", responses=BaseShape)
    def get(self, request: Request, base: str) -> Response:
        """Return a knowledge base with its settings and how much it holds."""
        return _answer(self, request, access_knowledge_base(self.actor_of(request), base))

    @extend_schema(operation_id="change_knowledge_base", request=ChangeBaseBody, responses=BaseShape)
    def patch(self, request: Request, base: str) -> Response:
        """Change a knowledge base; ``If-Match`` keeps two people from losing each other's work.

        Where chunks have to be made anew, that is done beside those in use, which answer until the others are done.
        """
        edit = ChangeBaseBody.edit(ChangeBaseBody.parse(request.data, partial=True))
        row = change_knowledge_base(self.actor_of(request), base, edit, expected=expected_revisions(request))
        return _answer(self, request, row)

    @extend_schema(operation_id="delete_knowledge_base", responses={204: None})
    def delete(self, request: Request, base: str) -> Response:
        """Delete a knowledge base with everything in it, for good."""
        delete_knowledge_base(self.actor_of(request), base, expected=expected_revisions(request))
        return Response(status=204)


class ConfigureView(OrganizationAPIView):
    """``/api/v1/knowledge-bases/<id or short name>/configure/``."""

    @extend_schema(operation_id="configure_knowledge_base", request=ConfigurationBody, responses=ConfiguredShape)
    def post(self, request: Request, base: str) -> Response:
        """Bring a knowledge base to what the product's own JSON says; what is not said stays."""
        actor, said = self.actor_of(request), ConfigurationBody.parse(request.data)
        done = configure_knowledge_base(actor, base, said, expected=expected_revisions(request))
        return tagged(self._said(request, done), revision=done.base.revision)

    def _said(self, request: Request, done: Configured) -> dict[str, Any]:
        figures = figures_of(self.actor_of(request), done.base)
        return {
            "knowledge_base": shown(BaseShape, done.base, request, figures=figures),
            "made": [shown(SourceShape, each, request) for each in done.made],
            "kept": [shown(SourceShape, each, request) for each in done.kept],
        }


class IndexListView(OrganizationAPIView):
    """``/api/v1/knowledge-bases/<id or short name>/indexes/``."""

    @extend_schema(operation_id="list_knowledge_indexes", responses=IndexShape(many=True))
    def get(self, request: Request, base: str) -> Response:
        """List the indexes of a knowledge base, newest first: the one in use, one being built, and those before."""
        page = list_indexes(self.actor_of(request), base, **page_params(request)._asdict())
        return paginated(request, page, IndexShape)


class PreviewView(OrganizationAPIView):
    """``/api/v1/knowledge-bases/<id or short name>/preview/``."""

    @extend_schema(operation_id="preview_chunks", request=PreviewBody, responses=TriedPreviewShape)
    def post(self, request: Request, base: str) -> Response:
        """Show how a document, or a text, would be cut. Nothing is embedded or kept."""
        said = PreviewBody.parse(request.data)
        preview, settings = preview_chunks(
            self.actor_of(request),
            base,
            chunking=said["chunking"],
            document=said["document_id"],
            text=said["text"],
            name=said["name"],
        )
        return Response({**ChunkPreviewShape(preview).data, "chunking": settings.as_json()})


class RebuildView(OrganizationAPIView):
    """``/api/v1/knowledge-bases/<id or short name>/rebuild/``."""

    @extend_schema(operation_id="rebuild_knowledge_base", request=None, responses={202: IngestionShape})
    def post(self, request: Request, base: str) -> Response:
        """Make all chunks anew, beside those in use, which answer until the others are done."""
        begun = rebuild_knowledge_base(self.actor_of(request), base)
        headers = {"Location": address("ingestions", begun.pk)}
        return Response(shown(IngestionShape, begun, request), status=202, headers=headers)


class UseIndexView(OrganizationAPIView):
    """``/api/v1/knowledge-bases/<id or short name>/indexes/<number>/use/``."""

    @extend_schema(operation_id="use_knowledge_index", request=SwitchBody, responses=IndexShape)
    def post(self, request: Request, base: str, number: int) -> Response:
        """Answer from an index that is ready; one that the gate keeps back has to be asked for ``all_the_same``."""
        said = SwitchBody.parse(request.data)
        return Response(shown(IndexShape, switch_index(self.actor_of(request), base, number, **said), request))


class AskBaseView(OrganizationAPIView):
    """``/api/v1/knowledge-bases/<id or short name>/query/``."""

    @extend_schema(operation_id="ask_knowledge_base", request=AskBody, responses=AnswerShape)
    def post(self, request: Request, base: str) -> Response:
        """Return the passages of a knowledge base that answer a question best."""
        said = AskBody.parse(request.data)
        found = retrieve(self.actor_of(request), AskBody.asked(said), knowledge=[base])
        return Response(answer_of(found, explain=said["explain"]))


class RagQueryView(OrganizationAPIView):
    """``/rag/query``."""

    @extend_schema(operation_id="query_knowledge", request=QueryBody, responses=AnswerShape)
    def post(self, request: Request) -> Response:
        """Return the passages of a project's knowledge that answer a question best."""
        actor, said = self.actor_of(request), QueryBody.parse(request.data)
        project = said["project_id"] or only_project(actor).pk
        found = retrieve(actor, QueryBody.asked(said), project=project, knowledge=said["knowledge"])
        return Response(answer_of(found, explain=said["explain"]))
