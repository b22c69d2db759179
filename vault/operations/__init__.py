# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Somebody decided: put, read, rotate, share and destroy secrets."""
