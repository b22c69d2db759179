# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is true of models without asking one: names, sizes, prices, and how a chat is written and read."""
