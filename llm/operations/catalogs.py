# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What organizations have set up, known in this process for a few seconds: most questions to models cost no query."""

import time
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction

from llm.errors import RoutesUnreadable
from llm.operations.gathering import Gathered
from llm.operations.threads import InThread
from llm.queries.catalogs import NOTHING, Catalog, load_catalog

FRESH_SECONDS = 5.0
"""How long a change may take to be heeded everywhere."""
MOST_KNOWN = 2_000


class _Known(NamedTuple):
    """A catalog, and when it was read, by a clock that is never moved back."""

    catalog: Catalog
    at: float


class Catalogs:
    """The catalogs of the organizations that asked last."""

    def __init__(self) -> None:
        self._known: dict[UUID, _Known] = {}
        self._loading: Gathered[UUID, Catalog] = Gathered()

    def at_hand(self, organization_id: UUID) -> Catalog:
        """Return what was known last, old or not; nothing where nothing was ever read."""
        known = self._known.get(organization_id)
        return NOTHING if known is None else known.catalog

    async def of(self, organization_id: UUID, *, in_thread: InThread) -> Catalog:
        """Return a catalog as it was a few seconds ago at most. Raises RoutesUnreadable."""
        known = self._known.get(organization_id)
        if known is not None and _is_fresh(known):
            return known.catalog
        try:
            return await self._loading.ask(organization_id, lambda: in_thread(self._load, organization_id))
        except (OperationalError, InterfaceError):
            raise RoutesUnreadable from None

    def note(self, organization_ids: Iterable[UUID]) -> None:
        """Read the catalogs that are not fresh, in a thread that may speak to the database."""
        for organization_id in organization_ids:
            known = self._known.get(organization_id)
            if known is None or not _is_fresh(known):
                self._load(organization_id)

    def forget(self, organization_id: UUID) -> None:
        """Read it anew next time: it was changed by this very process."""
        self._known.pop(organization_id, None)

    def _load(self, organization_id: UUID) -> Catalog:
        at = time.monotonic()
        catalog = load_catalog(organization_id)
        self._known.pop(organization_id, None)
        self._known[organization_id] = _Known(catalog, at)
        while len(self._known) > MOST_KNOWN:
            self._known.pop(next(iter(self._known)), None)
        return catalog


def _is_fresh(known: _Known) -> bool:
    return time.monotonic() - known.at < FRESH_SECONDS


catalogs = Catalogs()
"""Those of this process."""


def forget_models(organization_id: UUID) -> None:
    """Have this process read an organization's catalog anew once what changes it now is written."""
    transaction.on_commit(lambda: catalogs.forget(organization_id))
