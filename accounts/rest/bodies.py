# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the API is sent, read by its shape; what it means is checked by the operation."""

import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from django.core import exceptions
from rest_framework import serializers

DATE_OR_MOMENT = ["iso-8601", "%Y-%m-%d"]
_MOST_NAMED = 10
_NAME_SHOWN = 60


class _Readers(threading.local):
    """One serializer of a kind a thread, kept: DRF copies its fields anew for each, which is dearer than reading."""

    def __init__(self) -> None:
        self._of: dict[tuple[type[serializers.Serializer[Any]], bool], serializers.Serializer[Any]] = {}

    def kept(self, kind: type[serializers.Serializer[Any]], *, partial: bool) -> serializers.Serializer[Any]:
        """Return the one of this thread."""
        if (kind, partial) not in self._of:
            self._of[kind, partial] = kind(partial=partial)
        return self._of[kind, partial]


_readers = _Readers()


class Query(serializers.Serializer[Any]):
    """A query string. Parameters it does not know are left to whoever does: pages, tracking."""

    @classmethod
    def parse(cls, data: Any, *, partial: bool = False) -> dict[str, Any]:
        """Return what was sent. Raises ValidationError."""
        with suppress(serializers.ValidationError):
            return dict(_readers.kept(cls, partial=partial).run_validation(data))
        # What is wrong says one that was made for it.
        sent = cls(data=data, partial=partial)
        sent.is_valid(raise_exception=True)
        return dict(sent.validated_data)


class Body(Query):
    """A body. What it does not know is refused: a limit that is misspelled must not be taken for none."""

    def to_internal_value(self, data: Any) -> Any:
        """Return what was sent. Raises ValidationError with everything at once, also members it does not know."""
        strange = _unknown_members(data, known=self.fields)
        try:
            read = super().to_internal_value(data)
        except serializers.ValidationError as refused:
            known = refused.detail if isinstance(refused.detail, Mapping) else {}
            raise (serializers.ValidationError({**known, **strange}) if strange else refused) from None
        if strange:
            raise serializers.ValidationError(strange)
        return read

    @classmethod
    def parse_what_fits(cls, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return those members that can be read, for who wants to say more of a body than what cannot."""
        read = {}
        for name, field in cls().fields.items():
            if name in data and not field.read_only:
                with suppress(serializers.ValidationError, exceptions.ValidationError):
                    read[name] = field.run_validation(data[name])
        return read


def refuse_unknown(data: Any, *, known: Collection[str]) -> None:
    """Raise ValidationError where ``data`` has members besides those that are known."""
    if strange := _unknown_members(data, known=known):
        raise serializers.ValidationError(strange)


def _unknown_members(data: Any, *, known: Collection[str]) -> dict[str, list[str]]:
    names = [name for name in data if name not in known] if isinstance(data, Mapping) else []
    return {name[:_NAME_SHOWN]: [_unknown(name[:_NAME_SHOWN], known)] for name in names[:_MOST_NAMED]}


def _unknown(name: str, known: Collection[str]) -> str:
    return f"{name!r} is not known here. Use one of: {', '.join(known)}."
