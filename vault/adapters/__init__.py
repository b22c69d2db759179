# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps the ports of the vault by what lies outside."""
