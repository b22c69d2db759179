# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The forms of the pages about models."""
