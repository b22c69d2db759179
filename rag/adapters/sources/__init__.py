# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Readers of sources: each keeps the port SourceReader (rag/engine/ports.py) for one kind."""
