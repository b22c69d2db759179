# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rows of files."""

from rag.models.files import Blob, File, FileVersion
from rag.models.holds import BlobHold
from rag.models.texts import PdfText

__all__ = ["Blob", "BlobHold", "File", "FileVersion", "PdfText"]
