# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Golden questions and knowledge tests over HTTP."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import OrganizationAPIView, page_params, paginated
from rag.api.golden_shapes import (
    ExportShape,
    GoldenQuestionBody,
    GoldenQuestionShape,
    ImportBody,
    ImportedShape,
    KnowledgeTestShape,
    KnowledgeTestSummaryShape,
    StartTestBody,
)
from rag.api.views.asking import address
from rag.operations.golden_questions import (
    change_golden_question,
    create_golden_question,
    delete_golden_question,
    export_golden_questions,
    import_golden_questions,
)
from rag.operations.knowledge_tests import start_knowledge_test
from rag.queries.golden import access_knowledge_test, list_golden_questions, list_knowledge_tests


class GoldenQuestionListView(OrganizationAPIView):
    """``/api/v1/knowledge-bases/<id or short name>/golden-questions/``."""

    @extend_schema(operation_id="list_golden_questions", responses=GoldenQuestionShape(many=True))
    def get(self, request: Request, base: str) -> Response:
        """List the golden questions of a knowledge base, newest first."""
        page = list_golden_questions(self.actor_of(request), base, **page_params(request)._asdict())
        return paginated(request, page, GoldenQuestionShape)

    @extend_schema(
        operation_id="create_golden_question", request=GoldenQuestionBody, responses={201: GoldenQuestionShape}
    )
    def post(self, request: Request, base: str) -> Response:
        """Write down a question and the places that are to be found for it."""
        row = create_golden_question(self.actor_of(request), base, **GoldenQuestionBody.parse(request.data))
        return Response(GoldenQuestionShape(row).data, status=201)


class GoldenQuestionView(OrganizationAPIView):
    """``/api/v1/knowledge-bases/<id or short name>/golden-questions/<id>/``."""

    @extend_schema(operation_id="change_golden_question", request=GoldenQuestionBody, responses=GoldenQuestionShape)
    def patch(self, request: Request, base: str, question: str) -> Response:
        """Change a golden question; what is not said stays."""
        said = GoldenQuestionBody.parse(request.data, partial=True)
        actor = self.actor_of(request)
        row = change_golden_question(actor, base, question, text=said.get("question"), expected=said.get("expected"))
        return Response(GoldenQuestionShape(row).data)

    @extend_schema(operation_id="delete_golden_question", responses={204: None})
    def delete(self, request: Request, base: str, question: str) -> Response:
        """Delete a golden question."""
        delete_golden_question(self.actor_of(request), base, question)
        return Response(status=204)


class ImportGoldenQuestionsView(OrganizationAPIView):
    """``/api/v1/knowledge-bases/<id or short name>/golden-questions/import/``."""

    @extend_schema(operation_id="import_golden_questions", request=ImportBody, responses=ImportedShape)
    def post(self, request: Request, base: str) -> Response:
        """Take in golden questions as JSONL: all or none of them; those that are there get the places that are said."""
        done = import_golden_questions(self.actor_of(request), base, ImportBody.parse(request.data)["lines"])
        return Response(ImportedShape(done).data)


class ExportGoldenQuestionsView(OrganizationAPIView):
    """``/api/v1/knowledge-bases/<id or short name>/golden-questions/export/``."""

    @extend_schema(operation_id="export_golden_questions", responses=ExportShape)
    def get(self, request: Request, base: str) -> Response:
        """Return the golden questions as JSONL, as they are taken in."""
        return Response({"lines": export_golden_questions(self.actor_of(request), base)})


class KnowledgeTestListView(OrganizationAPIView):
    """``/api/v1/knowledge-bases/<id or short name>/tests/``."""

    @extend_schema(operation_id="list_knowledge_tests", responses=KnowledgeTestSummaryShape(many=True))
    def get(self, request: Request, base: str) -> Response:
        """List the tests of a knowledge base, newest first."""
        page = list_knowledge_tests(self.actor_of(request), base, **page_params(request)._asdict())
        return paginated(request, page, KnowledgeTestSummaryShape)

    @extend_schema(operation_id="start_knowledge_test", request=StartTestBody, responses={202: KnowledgeTestShape})
    def post(self, request: Request, base: str) -> Response:
        """Ask the golden questions, of the index in use or another that is ready, perhaps with other settings."""
        said = StartTestBody.parse(request.data)
        test = start_knowledge_test(
            self.actor_of(request),
            base,
            number=said["index"],
            k=said["k"],
            said=said["search"],
            rerank=said["rerank"],
        )
        where = f"{address('knowledge-bases', test.base_id)}tests/{test.pk}/"
        return Response(KnowledgeTestShape(test).data, status=202, headers={"Location": where})


class KnowledgeTestView(OrganizationAPIView):
    """``/api/v1/knowledge-bases/<id or short name>/tests/<id>/``."""

    @extend_schema(operation_id="get_knowledge_test", responses=KnowledgeTestShape)
    def get(self, request: Request, base: str, test: str) -> Response:
        """Return a test with what became of each question since the one before."""
        return Response(KnowledgeTestShape(access_knowledge_test(self.actor_of(request), base, test)).data)
