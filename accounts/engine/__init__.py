# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What holds of the audit chain without a database, a network or a clock."""
