# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The files a run works on: in a folder of the sandbox service, kept for good behind each step that changed them."""
