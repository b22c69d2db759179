# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who asks, for whom, allowed what, metered and audited."""
