# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is said about a trigger, and setting its row by it: everything that does not hold together is told at once."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.operations.names import clean_name
from agents.engine.cron import read_moment, read_schedule, read_zone
from agents.errors import MomentInvalid, TriggerInvalid
from agents.models import HookStyle, Missed, Trigger, TriggerKind
from codexos.kernel import clock
from codexos.kernel.errors import InvalidInput
from codexos.kernel.jsontypes import JsonValue

NAME_LENGTH = 200
PLACES = ("flow_id", "kind", "name", "at", "cron", "time_zone", "missed", "style", "input", "is_enabled")
"""What may be said, in the order in which what is wrong with it is told."""


@dataclass(frozen=True, slots=True)
class TriggerEdit:
    """What is said about a trigger; what is None stays as it was. ``input`` holds the one value."""

    name: str | None = None
    at: str | None = None
    cron: str | None = None
    time_zone: str | None = None
    missed: str | None = None
    style: str | None = None
    input: tuple[JsonValue] | None = None
    is_enabled: bool | None = None

    @property
    def only_pauses(self) -> bool:
        """Whether it says nothing but that the trigger is to stop."""
        return self == TriggerEdit(is_enabled=False)


SetPart = Callable[[Trigger, TriggerEdit], None]


def apply_edit(row: Trigger, edit: TriggerEdit) -> None:
    """Set a trigger's row by what is said. Raises NameInvalid, TriggerInvalid kinds; several problems at once."""
    refused = _apply(row, edit)
    if len(refused) == 1:
        raise refused[0]
    if refused:
        raise TriggerInvalid.of_all(in_order([problem for error in refused for problem in error.details["errors"]]))


def list_problems(kind: str | None, edit: TriggerEdit, *, is_new: bool = True) -> Sequence[Mapping[str, str]]:
    """List what does not hold together of what is said about a trigger of a kind; nothing is written.

    Of no kind, or one that there is not, only what holds for all of them.
    """
    refused: list[InvalidInput] = []
    if kind in TriggerKind.values:
        row = Trigger(kind=kind, name="" if is_new else "any")
        row._state.adding = is_new
        # What is not said of one there is stands as it was, and is not looked at here.
        is_dated = is_new or edit.at is not None or edit.cron is not None
        refused = _apply(row, edit, is_dated=is_dated)
    else:
        refused = list(_refusals(Trigger(), edit, of=[_set_name, _set_time_zone, _set_missed]))
    unknown = [] if kind is None or kind in TriggerKind.values else [_unknown(kind, TriggerKind.values, place="kind")]
    return [problem for error in [*unknown, *refused] for problem in error.details["errors"]]


def in_order(problems: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Return problems in the order of what they are about, one for each place."""
    known = {place: number for number, place in enumerate(PLACES)}
    first = {problem["place"]: problem for problem in reversed(problems)}
    return sorted(first.values(), key=lambda problem: known.get(problem["place"], len(known)))


def _apply(row: Trigger, edit: TriggerEdit, *, is_dated: bool = True) -> list[InvalidInput]:
    parts: list[SetPart] = [_set_name, _set_time_zone, _set_missed, _set_style, _set_input]
    return [*_strangers(row, edit), *_refusals(row, edit, of=[*parts, _set_time] if is_dated else parts)]


def _refusals(row: Trigger, edit: TriggerEdit, *, of: Sequence[SetPart]) -> Iterator[InvalidInput]:
    for set_part in of:
        try:
            set_part(row, edit)
        except InvalidInput as error:
            yield error


def _set_name(row: Trigger, edit: TriggerEdit) -> None:
    if edit.name is not None or not row.name:
        row.name = clean_name(edit.name or "", at_most=NAME_LENGTH)


def _set_input(row: Trigger, edit: TriggerEdit) -> None:
    if edit.input is None:
        return
    (value,) = edit.input
    if row.is_webhook and value is not None and not isinstance(value, Mapping):
        raise TriggerInvalid(
            "input", "What is added to a webhook's input is an object, whose members go over the body."
        )
    row.input = value


def _set_missed(row: Trigger, edit: TriggerEdit) -> None:
    if edit.missed is not None:
        if edit.missed not in Missed.values:
            raise _unknown(edit.missed, Missed.values, place="missed")
        row.missed = edit.missed


def _set_style(row: Trigger, edit: TriggerEdit) -> None:
    if edit.style is not None and row.is_webhook:
        if edit.style not in HookStyle.values:
            raise _unknown(edit.style, HookStyle.values, place="style")
        row.style = edit.style


def _set_time_zone(row: Trigger, edit: TriggerEdit) -> None:
    if edit.time_zone is not None:
        row.time_zone = read_zone(edit.time_zone).key


def _set_time(row: Trigger, edit: TriggerEdit) -> None:
    is_said = (edit.at, edit.cron, edit.time_zone) != (None, None, None)
    is_new = row._state.adding
    if is_said or is_new:
        if row.kind == TriggerKind.AT:
            row.at = _future(read_moment(edit.at, zone=row.time_zone)) if edit.at is not None else row.at
        elif row.kind == TriggerKind.CRON:
            row.cron = read_schedule(row.cron if edit.cron is None else edit.cron, zone=row.time_zone).expression
    if edit.is_enabled is False:
        row.disable()
    elif is_said or is_new or (edit.is_enabled and not row.is_enabled):
        is_on = row.is_enabled if edit.is_enabled is None else edit.is_enabled
        row.is_enabled, row.reason = is_on, "" if is_on else row.reason
        row.next_at = _next_of(row) if is_on else None


def _next_of(row: Trigger) -> datetime | None:
    if row.kind == TriggerKind.AT:
        if row.at is None:
            raise MomentInvalid("Say when: at is missing. Write it as 2026-03-29T14:30 or 2026-03-29T14:30+02:00.")
        return _future(row.at)
    schedule = row.schedule
    return schedule.next_after(clock.now()) if schedule else None


def _future(moment: datetime) -> datetime:
    if moment <= clock.now():
        raise MomentInvalid(f"{moment:%Y-%m-%d %H:%M} UTC has passed already. Choose a moment that is still to come.")
    return moment


def _strangers(row: Trigger, edit: TriggerEdit) -> Sequence[TriggerInvalid]:
    return [
        TriggerInvalid(place, f"{place} is not for a trigger of kind {row.kind!r}. Leave it out.")
        for place, kind in (("at", TriggerKind.AT), ("cron", TriggerKind.CRON), ("style", TriggerKind.WEBHOOK))
        if getattr(edit, place) is not None and row.kind != kind
    ]


def _unknown(value: str, choices: Collection[str], *, place: str) -> TriggerInvalid:
    return TriggerInvalid(place, f"{value[:40]!r} is not one of {', '.join(map(repr, choices))}.")
