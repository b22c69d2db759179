# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages of rag."""

from django.urls import path

from rag.views import asking, documents, files, knowledge_bases, sources, tuning

_BASE = "knowledge/<str:base>/"
_SOURCE = _BASE + "sources/<str:source>/"
# Before those of a base: a citation knows its document alone.
_DOCUMENT = "knowledge/documents/<uuid:document>/"

urlpatterns = [
    path("files/", files.ProjectChoicePage.as_view(), name="files"),
    path("files/<str:project>/", files.FolderPage.as_view(), name="folder"),
    path("files/<str:project>/at/<path:path>", files.FilePage.as_view(), name="file"),
    path("files/<str:project>/delete/<path:path>", files.DeleteFilePage.as_view(), name="delete-file"),
    path("knowledge/", knowledge_bases.KnowledgeBasesPage.as_view(), name="knowledge"),
    path("knowledge/new/", knowledge_bases.NewBasePage.as_view(), name="new-knowledge-base"),
    path(_DOCUMENT, documents.DocumentPage.as_view(), name="document"),
    path(_DOCUMENT + "retry/", documents.RetryDocumentDeed.as_view(), name="retry-document"),
    path(_DOCUMENT + "delete/", documents.DeleteDocumentPage.as_view(), name="delete-document"),
    path(_BASE, knowledge_bases.KnowledgeBasePage.as_view(), name="knowledge-base"),
    path(_BASE + "documents/", documents.DocumentsPage.as_view(), name="knowledge-documents"),
    path(_BASE + "ask/", asking.AskPage.as_view(), name="ask-knowledge"),
    path(_BASE + "settings/", tuning.SettingsPage.as_view(), name="knowledge-settings"),
    path(_BASE + "delete/", knowledge_bases.DeleteBasePage.as_view(), name="delete-knowledge-base"),
    path(_BASE + "sources/new/", sources.NewSourcePage.as_view(), name="new-source"),
    path(_SOURCE + "sync/", sources.SourceDeed.as_view(), name="sync-source"),
    path(_SOURCE + "delete/", sources.DeleteSourcePage.as_view(), name="delete-source"),
    path(_BASE + "ingestions/<str:ingestion>/<slug:move>/", sources.IngestionDeed.as_view(), name="ingestion-deed"),
]
