# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The API routes of rag: below /api/v1/, and the short door."""

from django.urls import path, register_converter
from django.urls.converters import PathConverter

from rag.api.views import documents, files, golden, knowledge_bases, source_doors, sources, symbols


class AnyPathConverter(PathConverter):
    """Takes line breaks too: the view says what is wrong with a path, not the router."""

    regex = r"[\s\S]+"


register_converter(AnyPathConverter, "any_path")

_BASE = "knowledge-bases/<str:base>/"
_GOLDEN = _BASE + "golden-questions/"
_SOURCE = "sources/<str:source>/"
_DOCUMENT = "documents/<str:document>/"
_INGESTION = "ingestions/<str:ingestion>/"

urlpatterns = [
    path("projects/<str:project>/files/", files.FileList.as_view(), name="project-files"),
    path("projects/<str:project>/files/<any_path:path>", files.FileDetail.as_view(), name="project-file"),
    path("knowledge-bases/", knowledge_bases.KnowledgeBaseListView.as_view(), name="api-knowledge-bases"),
    path(_BASE, knowledge_bases.KnowledgeBaseView.as_view(), name="api-knowledge-base"),
    path(_BASE + "configure/", knowledge_bases.ConfigureView.as_view(), name="api-knowledge-base-configure"),
    path(_BASE + "query/", knowledge_bases.AskBaseView.as_view(), name="api-knowledge-base-query"),
    path(_BASE + "indexes/", knowledge_bases.IndexListView.as_view(), name="api-knowledge-base-indexes"),
    path(_BASE + "indexes/<int:number>/use/", knowledge_bases.UseIndexView.as_view(), name="api-knowledge-index-use"),
    path(_BASE + "preview/", knowledge_bases.PreviewView.as_view(), name="api-knowledge-base-preview"),
    path(_BASE + "rebuild/", knowledge_bases.RebuildView.as_view(), name="api-knowledge-base-rebuild"),
    path(_BASE + "files/", documents.UploadView.as_view(), name="api-knowledge-base-files"),
    path(_BASE + "files/<any_path:path>", documents.UploadFileView.as_view(), name="api-knowledge-base-file"),
    path(_BASE + "symbols/", symbols.SymbolList.as_view(), name="api-symbols"),
    path(_BASE + "symbols/<str:symbol>/references/", symbols.ReferenceList.as_view(), name="api-symbol-references"),
    path(_BASE + "symbols/<str:symbol>/importers/", symbols.Importers.as_view(), name="api-symbol-importers"),
    path(_BASE + "try-source/", source_doors.TryNewSourceView.as_view(), name="api-knowledge-base-try-source"),
    path(_GOLDEN, golden.GoldenQuestionListView.as_view(), name="api-golden-questions"),
    path(_GOLDEN + "import/", golden.ImportGoldenQuestionsView.as_view(), name="api-golden-questions-import"),
    path(_GOLDEN + "export/", golden.ExportGoldenQuestionsView.as_view(), name="api-golden-questions-export"),
    path(_GOLDEN + "<str:question>/", golden.GoldenQuestionView.as_view(), name="api-golden-question"),
    path(_BASE + "tests/", golden.KnowledgeTestListView.as_view(), name="api-knowledge-tests"),
    path(_BASE + "tests/<str:test>/", golden.KnowledgeTestView.as_view(), name="api-knowledge-test"),
    path("sources/", sources.SourceListView.as_view(), name="api-sources"),
    path(_SOURCE, sources.SourceView.as_view(), name="api-source"),
    path(_SOURCE + "sync/", sources.SyncSourceView.as_view(), name="api-source-sync"),
    path(_SOURCE + "try/", source_doors.TrySourceView.as_view(), name="api-source-try"),
    path(_SOURCE + "webhook/", source_doors.SourceHookView.as_view(), name="api-source-webhook"),
    path(_SOURCE + "revisions/", sources.RevisionListView.as_view(), name="api-source-revisions"),
    path("ingestions/", sources.IngestionListView.as_view(), name="api-ingestions"),
    path(_INGESTION, sources.IngestionView.as_view(), name="api-ingestion"),
    path(_INGESTION + "pause/", sources.PauseIngestionView.as_view(), name="api-ingestion-pause"),
    path(_INGESTION + "resume/", sources.ResumeIngestionView.as_view(), name="api-ingestion-resume"),
    path(_INGESTION + "retry/", sources.RetryIngestionView.as_view(), name="api-ingestion-retry"),
    path(_INGESTION + "cancel/", sources.CancelIngestionView.as_view(), name="api-ingestion-cancel"),
    path("documents/", documents.DocumentListView.as_view(), name="api-documents"),
    path(_DOCUMENT, documents.DocumentView.as_view(), name="api-document"),
    path(_DOCUMENT + "chunks/", documents.ChunkListView.as_view(), name="api-document-chunks"),
    path(_DOCUMENT + "content/", documents.DocumentContentView.as_view(), name="api-document-content"),
    path(_DOCUMENT + "past/", symbols.DocumentPast.as_view(), name="api-document-past"),
    path(_DOCUMENT + "retry/", documents.RetryDocumentView.as_view(), name="api-document-retry"),
]

short_doors = [
    path("rag/query", knowledge_bases.RagQueryView.as_view(), name="rag-query"),
    path("hooks/sources/<str:hook>/", source_doors.ReceivePushView.as_view(), name="source-hook"),
]
