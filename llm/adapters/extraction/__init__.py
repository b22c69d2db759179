# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Values of a schema, found in texts by patterns, labels and likeness: what the built-in model can do of it."""
