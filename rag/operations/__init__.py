# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Decisions about files."""
