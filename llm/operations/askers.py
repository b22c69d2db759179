# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""For whom a model is asked, and where what it costs belongs."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks a model, by the ids of everything its cost is counted for.

    ``key`` is the same for every attempt at one step: what was paid for once under it is not paid for again.
    """

    organization_id: UUID
    team_id: UUID | None = None
    project_id: UUID | None = None
    person_id: UUID | None = None
    flow_id: UUID | None = None
    run_id: UUID | None = None
    node_id: str = ""
    key: str = ""
