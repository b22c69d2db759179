# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Puts what an operation refused beside the field that it is about."""

from django import forms

from accounts.errors import AlreadyInvited, AlreadyMember, SlugTaken
from codexos.kernel.errors import CodexosError, Conflict, InvalidInput, LimitReached

MENDABLE = (InvalidInput, Conflict, LimitReached)
"""What a person can answer by filling in the form differently; everything else is a page of its own."""

_FIELD_OF: dict[type[CodexosError], str] = {SlugTaken: "slug", AlreadyMember: "email", AlreadyInvited: "email"}


def blame(form: forms.BaseForm, error: CodexosError) -> None:
    """Add an operation's refusal to a form: beside the field it names, else above them all."""
    problems = error.details.get("errors") or [{"place": _FIELD_OF.get(type(error), ""), "message": error.message}]
    for problem in problems:
        place = problem["place"] if problem["place"] in form.fields else None
        form.add_error(place, problem["message"])
