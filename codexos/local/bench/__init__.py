# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""`bin/bench NAME`: figures as JSON lines."""
