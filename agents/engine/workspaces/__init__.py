# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""True of files without any disk: what a folder holds, how two states of it differ, and how that reads."""
