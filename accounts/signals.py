# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What allauth tells us: the only signals the house listens to."""


def listen() -> None:
    """Subscribe to allauth's signals."""
