# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Slow, retried, idempotent work of rag."""
