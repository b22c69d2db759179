# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The others that `bin/bench engine` measures beside us: each a process with packages of its own."""
