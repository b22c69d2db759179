# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What llm does behind what people wait for."""
