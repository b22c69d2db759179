# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Reading about secrets: what there is, never what is in it."""
