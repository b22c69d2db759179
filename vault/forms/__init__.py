# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What people fill in on the vault's pages."""
