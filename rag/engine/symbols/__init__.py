# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What stands where in code: definitions, references and imports, read from what a parser caught. Pure."""
