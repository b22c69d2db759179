# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The pages of files and of knowledge."""
