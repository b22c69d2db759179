# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What an organization lets its runs do: the document, its rules as closures, the taint rules, Rego beside them."""
