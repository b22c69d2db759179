# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What flows are called. They stand on a floor above, which the settings name; see FLOW_NAMES there."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from accounts.actor import Actor


def name_flows(actor: Actor, ids: Sequence[UUID]) -> Mapping[UUID, str]:
    """Return the names of flows."""
    found: Mapping[UUID, str] = import_string(settings.FLOW_NAMES)(actor, ids) if ids else {}
    return found


def flows_naming(actor: Actor, model: str, *, project_id: UUID | None = None) -> Sequence[str]:
    """Return what the flows are called that name a model or route."""
    found: Mapping[UUID, str] = import_string(settings.FLOWS_NAMING_MODELS)(actor, model, project_id=project_id)
    return sorted(found.values(), key=str.casefold)


def list_flows_to_bound(actor: Actor) -> list[tuple[UUID, str]]:
    """Return the flows that a budget may be for, by their names."""
    found: Mapping[UUID, str] = import_string(settings.FLOW_NAMES)(actor)
    return sorted(found.items(), key=lambda each: each[1].casefold())
