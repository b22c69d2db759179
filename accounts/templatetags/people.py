# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Roles, permissions and second factors in the words of the pages."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import template

from accounts.forms.words import PERMISSION_WORDS, ROLE_NAMES, YOU_ARE
from accounts.roles import Permission, Role
from codexos.kernel import clock

register = template.Library()


@register.filter
def role_name(role: str) -> str:
    """A role as people say it."""
    return str(ROLE_NAMES[Role(role)])


@register.filter
def you_are(role: str) -> str:
    """A role as a sentence about the reader."""
    return str(YOU_ARE[Role(role)])


@register.filter
def permission_words(permission: str) -> str:
    """A permission as people say it."""
    return str(PERMISSION_WORDS[Permission(permission)])


@register.filter
def of(mapping: Mapping[Any, Any], key: Any) -> Any:
    """The value under a key that is itself a variable."""
    return mapping.get(key)


@register.filter
def days_left(moment: datetime) -> int:
    """Whole days until a moment, rounded up; nothing and less where it has passed."""
    return -int((clock.now() - moment).total_seconds() // 86_400) if moment else 0


@register.filter
def deed(action: str) -> str:
    """An audit action as people say it: file.stored is "stored file", person.signed_in is "signed in"."""
    noun, _, verb = action.partition(".")
    words = verb.replace("_", " ")
    return words if noun == "person" else f"{words} {noun.replace('_', ' ')}"
