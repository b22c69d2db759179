# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The API views of vault, a file per noun."""
