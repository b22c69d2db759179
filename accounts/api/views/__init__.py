# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The API of accounts: each view translates one request into one call."""
