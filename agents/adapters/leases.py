# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How long a run is held without a word of its holder, and how soon a database that has gone is noticed."""

from typing import Any

LEASE_SECONDS = 8.0
PATIENCE: dict[str, Any] = {"connect_timeout": 5, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
"""A database that has gone without a word is noticed in seconds, not when the system gives up on its line."""
