# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rows of files."""

from rag.models.files import Blob, File, FileVersion

__all__ = ["Blob", "File", "FileVersion"]
