# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rows of files."""

from rag.models.files import Blob, File, FileVersion
from rag.models.texts import PdfText

__all__ = ["Blob", "File", "FileVersion", "PdfText"]
