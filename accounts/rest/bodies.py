# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the API is sent, read by its shape; what it means is checked by the operation."""

from collections.abc import Collection, Mapping
from typing import Any

from rest_framework import serializers

_MOST_NAMED = 10
_NAME_SHOWN = 60


class Query(serializers.Serializer[Any]):
    """A query string. Parameters it does not know are left to whoever does: pages, tracking."""

    @classmethod
    def parse(cls, data: Any, *, partial: bool = False) -> dict[str, Any]:
        """Return what was sent. Raises ValidationError."""
        sent = cls(data=data, partial=partial)
        sent.is_valid(raise_exception=True)
        return dict(sent.validated_data)


class Body(Query):
    """A body. What it does not know is refused: a limit that is misspelled must not be taken for none."""

    def to_internal_value(self, data: Any) -> Any:
        """Return what was sent. Raises ValidationError, also for members it does not know."""
        refuse_unknown(data, known=self.fields)
        return super().to_internal_value(data)


def refuse_unknown(data: Any, *, known: Collection[str]) -> None:
    """Raise ValidationError where ``data`` has members besides those that are known."""
    names = [name for name in data if name not in known] if isinstance(data, Mapping) else []
    if names:
        raise serializers.ValidationError(
            {name[:_NAME_SHOWN]: [_unknown(name[:_NAME_SHOWN], known)] for name in names[:_MOST_NAMED]}
        )


def _unknown(name: str, known: Collection[str]) -> str:
    return f"{name!r} is not known here. Use one of: {', '.join(known)}."
