# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Starting the sweep of bytes that nothing points to."""

from codexos.kernel import clock
from rag.queries.lookups import list_organizations_with_idle_blobs
from rag.tasks import sweep_blobs
from rag.workers.sweeping import GRACE


def sweep_everywhere() -> None:
    """Start a sweep in every organization that has something to sweep."""
    for organization_id in list_organizations_with_idle_blobs(clock.now() - GRACE):
        sweep_blobs.delay(str(organization_id))
