# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What people fill in about knowledge."""
