# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Writing the audit trail: in the transaction of the change, so that neither stands without the other."""

import json
from collections.abc import Iterator
from typing import Protocol

from accounts.actor import Actor
from accounts.models import AuditEvent
from accounts.queries.audit import AuditFilters, iterate_audit_events
from accounts.tenancy import in_organization
from codexos.kernel.context import client_address, request_id
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.redaction import redact_mapping, redact_tokens

LABEL_LENGTH = 254
STRING_LENGTH = 1_000
DETAILS_LENGTH = 8_000


class _Described(Protocol):
    @property
    def pk(self) -> object: ...


def record_event(actor: Actor, action: str, *, about: _Described | None = None, **details: JsonValue) -> AuditEvent:
    """Write who did what to which thing. Must run inside the transaction of the change."""
    return AuditEvent.objects.create(
        organization_id=actor.organization_id,
        actor_kind=actor.kind,
        actor_id=actor.person_id,
        actor_label=fit_label(actor.label),
        token_id=actor.token_id,
        break_glass_id=actor.break_glass_id,
        action=action,
        about_kind=type(about).__name__.lower() if about else "",
        about_id=fit_label(str(about.pk)) if about else "",
        about_label=fit_label(str(about)) if about else "",
        details=fit_details(details),
        request_id=request_id.get(),
        address=client_address.get(),
    )


def changes(before: JsonObject, after: JsonObject) -> dict[str, JsonValue]:
    """Return what is otherwise than it was, as the trail tells it: by each name what it was and what it is."""
    return {name: [before[name], after[name]] for name in after if before[name] != after[name]}


@in_organization
def export_audit_events(actor: Actor, *, filters: AuditFilters, form: str) -> Iterator[list[AuditEvent]]:
    """Write that the trail was taken out, then return it in batches, newest first. Raises NotAllowed."""
    batches = iterate_audit_events(actor, filters=filters)
    record_event(actor, "audit.exported", format=form, filters=filters.as_words())
    return batches


def fit_details(details: JsonObject) -> JsonObject:
    """Return ``details`` without secrets, without what PostgreSQL refuses, and cut to a size worth keeping."""
    fitted = {_storable(name): _fit(value) for name, value in redact_mapping(details).items()}
    if len(json.dumps(fitted)) <= DETAILS_LENGTH:
        return fitted
    return {"cut": f"Details of over {DETAILS_LENGTH} characters were left out.", "names": sorted(fitted)[:50]}


def _fit(value: JsonValue) -> JsonValue:
    match value:
        case str():
            text = _storable(value)
            return text if len(text) <= STRING_LENGTH else text[: STRING_LENGTH - 1] + "…"
        case dict():
            return {_storable(name): _fit(item) for name, item in value.items()}
        case list():
            return [_fit(item) for item in value]
        case float() if value != value or value in (float("inf"), float("-inf")):
            return str(value)
    return value


def fit_label(text: str) -> str:
    """Return a name as the trail keeps it: without tokens, and no longer than there is room for."""
    return _storable(redact_tokens(text))[:LABEL_LENGTH]


def _storable(text: str) -> str:
    return text.replace("\x00", "\ufffd").encode(errors="replace").decode()
