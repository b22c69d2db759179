# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What keeps the port Embedder: the embedded model, and models at providers."""
