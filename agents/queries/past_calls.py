# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The calls of tools that an organization's newest runs made or asked about: by the audit trail, and by journals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from accounts.actor import Actor
from accounts.models import AuditEvent, Membership
from accounts.tenancy import in_organization
from agents.engine.gate import ProposedCall
from agents.engine.journal import Entry
from agents.engine.policies.facts import Caller
from agents.engine.policies.trials import PastCall
from agents.models import JournalEntry, Run
from agents.queries.runs import entry_of
from codexos.kernel.ids import parse_id
from codexos.kernel.jsontypes import JsonObject, JsonValue

MOST_RUNS = 200
MOST_EVENTS = 1_000
MOST_ENTRIES = 1_000
_ACTIONS = ("tool.called", "tool.asked", "tool.denied")


@dataclass(frozen=True, slots=True)
class PastCalls:
    """What is known of past calls; ``bare`` are those whose tool has to say what they touch.

    ``expired`` counts runs whose content is not kept any more.
    """

    calls: Sequence[PastCall] = ()
    bare: Sequence[PastCall] = ()
    expired: int = 0


@dataclass(slots=True)
class _Gathered:
    told: dict[tuple[UUID, str, str], PastCall] = field(default_factory=dict)
    bare: dict[tuple[UUID, str, str], PastCall] = field(default_factory=dict)


@in_organization
def read_past_calls(actor: Actor) -> PastCalls:
    """Return the calls of the newest runs. Whoever asks manages the organization: that is checked before."""
    organization_id = actor.organization_id
    rows = Run.objects.for_organization(organization_id).select_related("project__team")
    runs = {run.pk: run for run in rows.defer("document", "library", "input").order_by("-id")[:MOST_RUNS]}
    callers = _callers(runs.values(), organization_id)
    gathered = _Gathered()
    for event in _events(organization_id):
        _take_event(event, callers, gathered)
    entries = _entries([run for run in runs.values() if run.content_expired_at is None], organization_id)
    for run_id, entry in entries:
        _take_entry(run_id, entry, callers=callers, gathered=gathered)
    expired = sum(run.content_expired_at is not None for run in runs.values())
    return PastCalls(tuple(gathered.told.values()), tuple(gathered.bare.values()), expired)


def _callers(runs: Iterable[Run], organization_id: UUID) -> dict[UUID, Caller]:
    roles = dict(Membership.objects.for_organization(organization_id).values_list("person_id", "role"))
    return {
        run.pk: Caller(
            role=roles.get(run.person_id, ""),
            project=run.project.name,
            project_id=str(run.project_id),
            team=run.project.team.name,
            team_id=str(run.project.team_id),
        )
        for run in runs
    }


def _events(organization_id: UUID) -> Iterable[AuditEvent]:
    rows = AuditEvent.objects.for_organization(organization_id).filter(action__in=_ACTIONS)
    return rows.order_by("-id")[:MOST_EVENTS]


def _take_event(event: AuditEvent, callers: Mapping[UUID, Caller], gathered: _Gathered) -> None:
    told, run_id = event.details, parse_id(event.about_id)
    if run_id is None or not isinstance(told, dict) or not isinstance(told.get("tool"), str):
        return
    call = _call_of(told, arguments={}, node_id=str(told.get("step", "")))
    past = PastCall(
        call,
        callers.get(run_id, Caller()),
        at=event.created_at,
        run_id=run_id,
        verdict=str(told.get("verdict", "")),
        knows_arguments=False,
    )
    gathered.told.setdefault((run_id, call.node_id, call.tool), past)


def _entries(runs: Sequence[Run], organization_id: UUID) -> Iterable[tuple[UUID, Entry]]:
    rows = JournalEntry.objects.for_organization(organization_id).filter(
        run_id__in=[run.pk for run in runs],
        content_days__in={run.content_days for run in runs},
        type__in=("step.intended", "run.waiting"),
    )
    for row in rows.order_by("-run_id", "-seq")[:MOST_ENTRIES]:
        yield row.run_id, entry_of(row)


def _take_entry(run_id: UUID, entry: Entry, *, callers: Mapping[UUID, Caller], gathered: _Gathered) -> None:
    asked = entry.data.get("call")
    told = asked if entry.type == "run.waiting" and isinstance(asked, Mapping) else entry.data
    arguments = told.get("arguments")
    if not isinstance(told.get("tool"), str) or not isinstance(arguments, Mapping):
        return
    call = _call_of(told, arguments=arguments, node_id=entry.node_id or "")
    key = (run_id, call.node_id, call.tool)
    known = gathered.told.get(key)
    past = PastCall(
        call, callers.get(run_id, Caller()), at=entry.at, run_id=run_id, verdict=str(told.get("verdict", ""))
    )
    if known is not None and not known.knows_arguments:
        gathered.told[key] = PastCall(
            _with_arguments(known.call, arguments), known.caller, at=known.at, run_id=run_id, verdict=known.verdict
        )
    elif known is None and "capabilities" in told:
        gathered.told[key] = past
    elif known is None:
        gathered.bare.setdefault(key, past)


def _call_of(told: Mapping[str, Any], *, arguments: JsonObject, node_id: str) -> ProposedCall:
    cost = told.get("cost_usd")
    return ProposedCall(
        str(told["tool"])[:200],
        arguments,
        capabilities=_words(told.get("capabilities")),
        labels=frozenset(_words(told.get("labels"))),
        chosen_by="model" if told.get("chosen_by") == "model" else "flow",
        secrets=_words(told.get("vault")),
        node_id=node_id,
        cost_usd=float(cost) if isinstance(cost, int | float) else None,
    )


def _with_arguments(call: ProposedCall, arguments: JsonObject) -> ProposedCall:
    return ProposedCall(
        call.tool,
        arguments,
        capabilities=call.capabilities,
        labels=call.labels,
        chosen_by=call.chosen_by,
        secrets=call.secrets,
        node_id=call.node_id,
        cost_usd=call.cost_usd,
    )


def _words(value: JsonValue) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()
