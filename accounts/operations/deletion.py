# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Deleting a container, unless something still stands in it."""

from collections import Counter
from collections.abc import Iterable

from django.db import IntegrityError, connection, transaction
from django.db.models import Model, ProtectedError, RestrictedError

from accounts.errors import NotEmpty


def delete_or_refuse(row: Model, *, kind: str) -> None:
    """Delete a row. Raises NotEmpty, naming what is still inside, also where only the database knows of it."""
    try:
        with transaction.atomic():
            row.delete()
            # Foreign keys are otherwise checked at commit, too late for a clear answer.
            with connection.cursor() as cursor:
                cursor.execute("set constraints all immediate")
    except ProtectedError as error:
        raise _not_empty(row, kind, error.protected_objects) from None
    except RestrictedError as error:
        raise _not_empty(row, kind, error.restricted_objects) from None
    except IntegrityError:
        raise _not_empty(row, kind, ()) from None
    with connection.cursor() as cursor:
        cursor.execute("set constraints all deferred")


def _not_empty(row: Model, kind: str, inside: Iterable[Model]) -> NotEmpty:
    counts = Counter(str(thing._meta.verbose_name_plural) for thing in inside)
    holds = ", ".join(f"{count} {noun}" for noun, count in sorted(counts.items())) or "something"
    return NotEmpty(
        f"The {kind} {str(row)!r} still holds {holds}. Delete or move what is inside, then delete the {kind}.",
        holds=dict(counts),
    )
