# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a person prefers: how pages look and speak, which clock, which model."""

from functools import cache
from zoneinfo import available_timezones

from django.conf import settings

from accounts.models import Person, Theme
from accounts.operations.names import clean_name
from codexos.kernel.errors import InvalidInput


def change_preferences(
    person: Person,
    *,
    name: str | None = None,
    theme: str | None = None,
    language: str | None = None,
    time_zone: str | None = None,
    default_model: str | None = None,
    wants_question_mail: bool | None = None,
) -> Person:
    """Change what is given and leave the rest. Raises NameInvalid, InvalidInput, and then changes nothing."""
    wanted = {
        "wants_question_mail": wants_question_mail,
        "name": None if name is None else clean_name(name, may_be_blank=True),
        "theme": _one_of(theme, list(Theme.values), place="theme"),
        "language": _one_of(language, ["", *(code for code, _ in settings.LANGUAGES)], place="language"),
        "time_zone": _time_zone(time_zone),
        "default_model": None
        if default_model is None
        else clean_name(default_model, place="default_model", may_be_blank=True),
    }
    given = {field: value for field, value in wanted.items() if value is not None}
    for field, value in given.items():
        setattr(person, field, value)
    if given:
        person.save(update_fields=list(given))
    return person


def _one_of(value: str | None, choices: list[str], *, place: str) -> str | None:
    if value is None or value in choices:
        return value
    raise _invalid(place, f"{value!r} is not one of {', '.join(repr(choice) for choice in choices)}.")


def _time_zone(value: str | None) -> str | None:
    if value is None or value in time_zones():
        return value
    raise _invalid("time_zone", f"{value!r} is not a time zone we know. Write one such as 'Europe/Berlin'.")


@cache
def time_zones() -> frozenset[str]:
    """Return the names of the time zones a person may choose."""
    return frozenset(available_timezones())


def _invalid(place: str, message: str) -> InvalidInput:
    return InvalidInput(message, errors=[{"place": place, "message": message}])
