# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Where tools are found that are not built in: for a run, for a list, and for the check of a flow."""

from collections.abc import Collection, Mapping
from uuid import UUID

from agents.adapters.shelves.files import file_offers, find_file_tools
from agents.adapters.shelves.servers import find_server_tools, server_offers
from agents.adapters.toolbox import Offer
from agents.adapters.tools.room import Maker


def find_shelved(names: Collection[str], *, organization_id: UUID, project_id: UUID | None) -> Mapping[str, Maker]:
    """Return how to make those of ``names`` that stand on a shelf; asks the database, so call it in its threads."""
    servers = find_server_tools(names, organization_id=organization_id, project_id=project_id)
    return {**servers, **find_file_tools(names, organization_id=organization_id, project_id=project_id)}


def shelved_names(names: Collection[str], *, organization_id: UUID, project_id: UUID | None) -> frozenset[str]:
    """Return which of ``names`` stand on a shelf, also those that cannot be called as they are."""
    return frozenset(find_shelved(names, organization_id=organization_id, project_id=project_id))


def offers_of(organization_id: UUID, project_id: UUID | None) -> list[Offer]:
    """Return everything that stands on the shelves of a place, by name."""
    found = [*server_offers(organization_id, project_id), *file_offers(organization_id, project_id)]
    return sorted(found, key=lambda offer: offer.spec.name)


def find_operators_tools(names: Collection[str]) -> Mapping[str, Maker]:
    """Return how to make those of ``names`` that stand in the operator's folder; the database is not asked."""
    return find_file_tools(names, organization_id=None, project_id=None)
