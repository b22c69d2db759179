# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The service that runs untrusted code. It knows no framework, no database and no key; see docs/sandbox.md."""
