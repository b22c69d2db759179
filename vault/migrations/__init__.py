# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Changes of vault's tables."""
