# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What models cost: rates, and the dated list of them that comes with the house."""
