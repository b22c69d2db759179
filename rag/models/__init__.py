# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rows of files, and of what is found in them."""

from rag.models.deliveries import SourceDelivery
from rag.models.documents import Chunk, Document, DocumentState
from rag.models.files import Blob, File, FileVersion
from rag.models.golden import GoldenQuestion, KnowledgeTest, KnowledgeTestCause, KnowledgeTestState
from rag.models.histories import PathHistory, SourceHistory
from rag.models.holds import BlobHold
from rag.models.indexed import IndexedDocument
from rag.models.knowledge_bases import Access, IndexState, KnowledgeBase, KnowledgeIndex, Strategy
from rag.models.sources import (
    OPEN_INGESTIONS,
    Ingestion,
    IngestionKind,
    IngestionState,
    Revision,
    Source,
    SourceKind,
    SourceState,
)
from rag.models.symbols import Symbol, SymbolImport, SymbolReading, SymbolReference, SymbolWord
from rag.models.terms import IndexFigures, TermCount
from rag.models.texts import PdfText

__all__ = [
    "OPEN_INGESTIONS",
    "Access",
    "Blob",
    "BlobHold",
    "Chunk",
    "Document",
    "DocumentState",
    "File",
    "FileVersion",
    "GoldenQuestion",
    "IndexFigures",
    "IndexState",
    "IndexedDocument",
    "Ingestion",
    "IngestionKind",
    "IngestionState",
    "KnowledgeBase",
    "KnowledgeIndex",
    "KnowledgeTest",
    "KnowledgeTestCause",
    "KnowledgeTestState",
    "PathHistory",
    "PdfText",
    "Revision",
    "Source",
    "SourceDelivery",
    "SourceHistory",
    "SourceKind",
    "SourceState",
    "Strategy",
    "Symbol",
    "SymbolImport",
    "SymbolReading",
    "SymbolReference",
    "SymbolWord",
    "TermCount",
]
