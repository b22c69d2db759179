# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""True without a database: paths, kinds of content, and the ports that adapters keep."""
