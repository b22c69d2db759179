# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The vault's outside: keepers of keys, providers of tokens, callbacks."""
