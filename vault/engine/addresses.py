# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Addresses that people have requests of the vault sent to."""

from urllib.parse import urlsplit


def is_web_address(text: str) -> bool:
    """Tell whether a text is an http or https address of some host. Where it leads to, the egress gate judges."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
