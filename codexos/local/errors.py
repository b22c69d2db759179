# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can go wrong on a person's machine before the product runs."""


class LocalFault(Exception):
    """Something a person can put right. The message says what, which, and what to do next."""


class HomeBusy(LocalFault):
    """Another CodexOS runs on this home."""


class PortTaken(LocalFault):
    """Another program listens on the port."""


class DiskFull(LocalFault):
    """There is no room left for the database."""


class ServerFailed(LocalFault):
    """PostgreSQL or Redis does not start."""


class BuildFailed(LocalFault):
    """The web bundle cannot be built."""
