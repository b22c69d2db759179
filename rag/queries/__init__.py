# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Reading files as one actor sees them."""
