# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The vault over HTTP."""
