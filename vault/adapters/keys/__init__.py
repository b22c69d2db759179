# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who keeps the master key of the vault: this installation itself, or a key keeper outside of it."""
