# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Changes of llm's tables."""
