# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The slow and repeatable work of the vault."""
