# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The API of agents: each view translates one request into one call."""
