# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""PURE: how a document's blocks become the pieces that are embedded and found."""
