# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Reads documents of every kind into blocks, one file a kind, in processes apart which may break without harm."""
