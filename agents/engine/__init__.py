# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The durable engine: pure, without a database, a network or a clock of its own."""
