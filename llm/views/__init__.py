# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The pages about models."""
