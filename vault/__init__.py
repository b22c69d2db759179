# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Secrets: sealed at rest, opened for those who may, and never without a word in the audit trail."""
