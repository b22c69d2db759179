# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What holds for secrets without a database, the network or the time."""
