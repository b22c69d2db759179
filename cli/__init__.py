# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The command line of CodexOS. It speaks HTTP and imports nothing of the product; installed, it is `codexos_cli`."""

__version__ = "0.1.0"
