# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Finding a file that a step of a run left."""

from collections.abc import Sequence
from uuid import UUID

from accounts.actor import Actor
from accounts.tenancy import in_organization
from agents.engine.artefacts import LeftFile, artefacts_in
from agents.models import Run
from agents.queries.runs import access_content
from agents.queries.states import read_step

MOST_BEFORE = 20
"""How many runs back a file may have been left by a step that was taken over."""


@in_organization
def find_artefact(actor: Actor, run_id: str, *, step: str, name: str) -> tuple[LeftFile | None, Sequence[UUID]]:
    """Return a file by its step and name, and the runs that may hold it: this one, and those it goes on from.

    Raises RunNotFound, RunContentExpired.
    """
    run = access_content(actor, run_id)
    seen = read_step(actor, run.id, step or None)[1]
    found = next((each for each in artefacts_in(seen.result) if each.name == name), None)
    return found, _line_of(run)


def _line_of(run: Run) -> Sequence[UUID]:
    line = [run.id]
    parent_id = run.parent_id
    while parent_id is not None and len(line) <= MOST_BEFORE:
        line.append(parent_id)
        rows = Run.objects.for_organization(run.organization_id).filter(pk=parent_id, project_id=run.project_id)
        parent_id = rows.values_list("parent_id", flat=True).first()
    return line
