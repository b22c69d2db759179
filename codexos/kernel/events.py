# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""News that travels upstairs: the types, and how they are written down. Delivery is the outbox's.

An event carries ids and plain facts, never rows or secrets. Its name and version stay readable for ever: add a field
with a default, or raise ``version`` and teach ``upgrade`` to read the older ones.
"""

from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime
from types import NoneType, UnionType
from typing import Any, ClassVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from codexos.kernel.clock import now
from codexos.kernel.errors import Broken
from codexos.kernel.ids import FileId, FlowId, OrganizationId, PersonId, ProjectId, RunId, new_id
from codexos.kernel.jsontypes import JsonObject, JsonValue

_types: "dict[str, type[DomainEvent]]" = {}


class EventUnknown(Broken):
    """An event of a name or version that this code does not know; newer code may have written it."""

    def __init__(self, *, name: str, version: object = None) -> None:
        what = name if version is None else f"{name} (version {version})"
        super().__init__(f"Nobody here knows the event {what!r}. Bring this process up to date.", name=name)


class EventMalformed(Broken):
    """A payload that is not what the event of its name looks like."""

    def __init__(self, *, name: str, because: str) -> None:
        super().__init__(f"A payload of {name!r} cannot be read: {because}.", name=name)


@dataclass(frozen=True, kw_only=True)
class DomainEvent:
    """Something that happened in one organization. ``event_id`` lets a subscriber notice a second delivery."""

    name: ClassVar[str] = ""
    version: ClassVar[int] = 1

    organization_id: OrganizationId
    event_id: UUID = field(default_factory=new_id)
    at: datetime = field(default_factory=now)

    def __init_subclass__(cls, *, name: str, version: int = 1) -> None:
        super().__init_subclass__()
        if name in _types:
            raise TypeError(f"Two events are called {name!r}: {_types[name].__qualname__} and {cls.__qualname__}.")
        cls.name, cls.version = name, version
        _types[name] = cls

    @classmethod
    def upgrade(cls, payload: JsonObject, *, version: int) -> JsonObject:
        """Return a payload of an older ``version`` as this one would have written it. Raises EventUnknown."""
        raise EventUnknown(name=cls.name, version=version)


@dataclass(frozen=True, kw_only=True)
class OrganizationCreated(DomainEvent, name="organization.created"):
    """An organization came to be; ``person_id`` founded it."""

    person_id: PersonId


@dataclass(frozen=True, kw_only=True)
class MemberJoined(DomainEvent, name="member.joined"):
    """A person became a member."""

    person_id: PersonId


@dataclass(frozen=True, kw_only=True)
class MemberLeft(DomainEvent, name="member.left"):
    """A person is a member no more, by their own will or not."""

    person_id: PersonId


@dataclass(frozen=True, kw_only=True)
class RunFinished(DomainEvent, name="run.finished"):
    """A run came to its end; ``status`` says to which. An inline flow has no id."""

    run_id: RunId
    flow_id: FlowId | None
    status: str


@dataclass(frozen=True, kw_only=True)
class FileStored(DomainEvent, name="file.stored"):
    """A file of a project was stored, new or anew."""

    file_id: FileId
    project_id: ProjectId


@dataclass(frozen=True, kw_only=True)
class BudgetThresholdPassed(DomainEvent, name="budget.threshold_passed"):
    """So many percent of a budget are spent in one of its periods; told once for each."""

    budget_id: UUID
    span_id: UUID
    percent: int


def event_type(name: str) -> type[DomainEvent]:
    """Return the type of the events called ``name``. Raises EventUnknown."""
    try:
        return _types[name]
    except KeyError:
        raise EventUnknown(name=name) from None


def to_payload(event: DomainEvent) -> JsonObject:
    """Return ``event`` as JSON, without its name."""
    values = {f.name: _to_json(getattr(event, f.name)) for f in fields(event)}
    return {"version": event.version, **values}


def from_payload(name: str, payload: JsonObject) -> DomainEvent:
    """Return the event called ``name`` that ``to_payload`` wrote. Raises EventUnknown, EventMalformed."""
    kind = event_type(name)
    version = payload.get("version")
    if not isinstance(version, int) or version < 1:
        raise EventMalformed(name=name, because=f"{version!r} is not a version")
    if version > kind.version:
        raise EventUnknown(name=name, version=version)
    if version < kind.version:
        payload = kind.upgrade(payload, version=version)
    try:
        return _read(kind, payload)
    except (TypeError, ValueError) as error:
        raise EventMalformed(name=name, because=str(error)) from None


def _read(kind: type[DomainEvent], payload: JsonObject) -> DomainEvent:
    types = _field_types(kind)
    missing = _required(kind) - payload.keys()
    if missing:
        raise ValueError(f"it lacks {', '.join(sorted(missing))}")
    # What is not known here was added by newer code, which promised that it can be done without.
    values: dict[str, Any] = {name: _from_json(types[name], payload[name]) for name in types.keys() & payload.keys()}
    return kind(**values)


def _required(kind: type[DomainEvent]) -> set[str]:
    # A fresh event_id or time would turn a second delivery into another event.
    optional = (f.name for f in fields(kind) if f.default is not MISSING or f.default_factory is not MISSING)
    return {f.name for f in fields(kind)} - set(optional) | {"event_id", "at"}


def _field_types(kind: type[DomainEvent]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {f.name: getattr(hints[f.name], "__supertype__", hints[f.name]) for f in fields(kind)}


def _to_json(value: object) -> JsonValue:
    match value:
        case UUID():
            return str(value)
        case datetime():
            if value.tzinfo is None:
                raise TypeError(f"{value!r} has no time zone; take clock.now()")
            return value.isoformat()
        case None | bool() | int() | str():
            return value
    raise TypeError(f"An event carries ids, times, words, numbers and nothing else; {value!r} is none of them.")


def _from_json(kind: Any, value: JsonValue) -> object:
    if get_origin(kind) in (Union, UnionType):
        kinds = [getattr(k, "__supertype__", k) for k in get_args(kind)]
        if value is None and NoneType in kinds:
            return None
        (kind,) = (k for k in kinds if k is not NoneType)
    if kind is UUID:
        return UUID(str(value))
    if kind is datetime:
        return _read_time(value)
    if type(value) is not kind:
        raise ValueError(f"{value!r} is not of type {kind.__name__}")
    return value


def _read_time(value: JsonValue) -> datetime:
    moment = datetime.fromisoformat(str(value))
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    return moment
