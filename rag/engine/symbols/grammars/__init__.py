# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The languages that are read, one each."""
