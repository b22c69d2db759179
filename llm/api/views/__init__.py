# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The API of llm over HTTP."""
