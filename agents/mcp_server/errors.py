# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can go wrong at ``/mcp`` and nowhere else."""

from codexos.kernel.errors import LimitReached, NotFound


class ResourceUnknown(NotFound):
    """A client of ``/mcp`` asked for a resource there is not, or none the actor may see."""

    def __init__(self, *, uri: str) -> None:
        super().__init__(f"No resource {uri[:200]!r}. List the resources, or write codexos://projects/…/files/…")


class ResourceTooLarge(LimitReached):
    """A client of ``/mcp`` asked for a file that is larger than one message."""

    def __init__(self, *, uri: str, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(
            f"{uri[:200]!r} has {size_bytes:,} bytes, and a message carries {limit_bytes:,}. Fetch it over the API.",
            size_bytes=size_bytes,
            limit_bytes=limit_bytes,
        )
