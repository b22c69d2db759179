# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""`bin/bench kill`: an executor is killed everywhere, and what it leaves behind is compared with a run in peace."""
