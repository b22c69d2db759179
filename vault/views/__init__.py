# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages of the vault."""
