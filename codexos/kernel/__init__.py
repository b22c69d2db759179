# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The cellar: pure Python that every floor may stand on. Knows no framework and no noun of any domain."""
