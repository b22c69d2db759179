# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Writing down what calls used and cost, once, where every report finds it."""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef

from accounts.models import UsageRecord
from accounts.operations import usage as accounts_usage
from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.chat import Usage
from codexos.kernel.ids import new_id
from codexos.kernel.jsontypes import JsonObject
from llm.models import CallOutcome, LlmCall
from llm.operations.askers import Asker

MOST_AT_ONCE = 5_000
_TEXTS = {"node_id": 200, "key": 500, "deployment": 200, "model": 200, "route": 100, "error": 60}
_BEGUN = ("kind", "attempt", "rate", "prices", "wants_cache", "is_batch", "at")
_ASKER = ("organization_id", "team_id", "project_id", "person_id", "flow_id", "run_id")
_USAGE = ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens")
_ENDED = ("outcome", "cost_usd", "saved_usd", "seconds", "is_estimated")


@dataclass(frozen=True, slots=True)
class CallBegun:
    """What is known of a call before it is made."""

    asker: Asker
    deployment: str
    kind: str
    model: str
    route: str = ""
    attempt: int = 1
    rate: JsonObject | None = None
    prices: str = ""
    wants_cache: bool = False
    is_batch: bool = False
    at: datetime = field(default_factory=lambda: clock.now())  # asked anew, so that tests can stop it
    id: UUID = field(default_factory=new_id)
    """Its row has it: whoever does not hear that the row was written writes it again, and no second one."""


@dataclass(frozen=True, slots=True)
class CallEnded:
    """How it ended. ``cost_usd`` None: the price is not known."""

    outcome: CallOutcome
    usage: Usage = field(default_factory=Usage)
    cost_usd: Decimal | None = Decimal(0)
    seconds: float = 0.0
    error: str = ""
    is_estimated: bool = False
    saved_usd: Decimal = Decimal(0)


_COLUMNS = (
    *("id", "organization_id", "created_at", "at", "team_id", "project_id", "person_id", "flow_id", "run_id"),
    *("node_id", "key", "deployment", "kind", "model", "route", "attempt", "outcome", "error"),
    *("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens"),
    *("is_estimated", "is_batch", "wants_cache", "cost_usd", "saved_usd", "rate", "prices", "seconds", "is_counted"),
)
_WRITE = f"insert into llm_llmcall ({', '.join(_COLUMNS)}) values ({', '.join(['%s'] * len(_COLUMNS))})"  # noqa: S608
_ONCE = f"{_WRITE} on conflict (id) do nothing"


def write_call(begun: CallBegun, ended: CallEnded, *, id_: UUID | None = None) -> bool:
    """Write one call, and tell whether it was not written before. Must run inside the organization.

    What belongs to a run is counted with it when it is settled; what belongs to none is counted here.
    """
    asker, id_ = begun.asker, id_ or begun.id
    values = {
        **{name: getattr(asker, name) for name in _ASKER},
        **{name: getattr(begun, name) for name in _BEGUN},
        **{name: getattr(ended, name) for name in _ENDED},
        **{name: getattr(ended.usage, name) for name in _USAGE},
        **{name: _fit(name, getattr(begun, name)) for name in ("deployment", "model", "route")},
        "id": id_,
        "created_at": clock.now(),
        "node_id": _fit("node_id", asker.node_id),
        "key": _fit("key", asker.key),
        "error": _fit("error", ended.error),
        "outcome": str(ended.outcome.value),
        "rate": None if begun.rate is None else json.dumps(begun.rate),
        "is_counted": asker.run_id is None,
    }
    # Plainly: every call comes through here.
    with connection.cursor() as cursor:
        cursor.execute(_ONCE, [values[name] for name in _COLUMNS])
        if not cursor.rowcount:
            return False
    if asker.run_id is None and ended.outcome != CallOutcome.CACHED:
        _count_alone(begun, ended, id_)
    return True


class Counted(NamedTuple):
    """What the calls of a run come to."""

    calls: int
    tokens: int
    cost_usd: Decimal


_COUNT = """
update llm_llmcall set is_counted = true
where run_id = any(%s::uuid[]) and organization_id = %s and not is_counted
returning run_id, input_tokens + output_tokens, coalesce(cost_usd, 0)
"""


def count_calls(organization_id: UUID, run_ids: Collection[UUID]) -> Mapping[UUID, Counted]:
    """Return what the calls of runs come to that no usage record has yet; from now on one has them.

    Must run inside the organization, in the transaction that writes those records.
    """
    sums: dict[UUID, Counted] = {}
    # Plainly: every run that ends comes through here.
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [list(run_ids), organization_id])
        for run_id, tokens, cost in cursor.fetchall():
            before = sums.get(run_id, Counted(0, 0, Decimal(0)))
            sums[run_id] = Counted(before.calls + 1, before.tokens + tokens, before.cost_usd + cost)
    return sums


def count_late_calls(organization_id: UUID, *, before: datetime) -> int:
    """Write usage records for calls that ended after their runs had been settled; return of how many runs."""
    with tenant(organization_id):
        all_records = UsageRecord.objects.for_organization(organization_id).filter(kind="run.tokens")
        calls = LlmCall.objects.for_organization(organization_id).filter(is_counted=False, at__lte=before)
        # However many runs go on for days: theirs are counted as they end, and are in nobody's way here.
        late_ones = calls.filter(Exists(all_records.filter(run_id=OuterRef("run_id"))))
        runs = list(late_ones.values_list("run_id", flat=True).distinct()[:MOST_AT_ONCE])
        records = all_records.filter(run_id__in=runs)
        settled = {record.run_id: record for record in records if record.run_id}
        sums = count_calls(organization_id, settled.keys()) if settled else {}
        late = [_late(settled[run_id], sum_) for run_id, sum_ in sums.items()]
        if late:
            accounts_usage.record_all_usage(organization_id, late)
        return len(late)


def _late(record: UsageRecord, counted: Counted) -> accounts_usage.Metered:
    return accounts_usage.Metered(
        kind="run.tokens",
        quantity=counted.tokens,
        unit="tokens",
        cost_usd=counted.cost_usd,
        person_id=record.person_id,
        project_id=record.project_id,
        run_id=record.run_id,
        details={"late": True},
    )


def call_data(begun: CallBegun) -> dict[str, Any]:
    """Return what is known of a call as JSON, for whoever settles it where its maker has died."""
    told = asdict(begun)
    told["asker"] = {name: None if value is None else str(value) for name, value in told["asker"].items()}
    return told | {"at": begun.at.isoformat(), "id": str(begun.id)}


def call_from(data: dict[str, Any]) -> CallBegun:
    """Read what ``call_data`` wrote."""
    told = dict(data)
    asker = told.pop("asker")
    ids = {name: UUID(value) for name, value in asker.items() if name.endswith("_id") and name != "node_id" and value}
    return CallBegun(
        Asker(**ids, node_id=asker["node_id"], key=asker["key"]),
        **{**told, "at": datetime.fromisoformat(told["at"]), "id": UUID(told["id"]) if "id" in told else new_id()},
    )


def _count_alone(begun: CallBegun, ended: CallEnded, id_: UUID) -> None:
    used = accounts_usage.Metered(
        kind="llm.tokens",
        quantity=ended.usage.input_tokens + ended.usage.output_tokens,
        unit="tokens",
        cost_usd=ended.cost_usd or Decimal(0),
        person_id=begun.asker.person_id,
        project_id=begun.asker.project_id,
        details={"model": begun.model, "call": str(id_)},
    )
    accounts_usage.record_all_usage(begun.asker.organization_id, [used])


def _fit(name: str, text: str) -> str:
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()[: _TEXTS[name]]
