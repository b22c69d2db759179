# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The one place that asks what time it is, so that tests can stop it."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)
