# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Servers that are older than this command line are told from things that are not there."""

from collections.abc import Iterator
from contextlib import contextmanager

from .exits import Exit
from .faults import Fault


@contextmanager
def newer_server(deed: str) -> Iterator[None]:
    """Say so where the server does not know the address: every noun has a code of its own for what is missing."""
    try:
        yield
    except Fault as fault:
        if fault.code in {"not_found", "method_not_allowed"}:
            message = f"{deed} is more than this server can do. Update the server."
            raise Fault(message, exit_code=Exit.BROKEN, code=fault.code) from None
        raise
