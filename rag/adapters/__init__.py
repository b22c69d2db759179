# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Places that keep bytes, and bytes on their way in."""
