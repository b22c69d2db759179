# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Casts of a world: the rows that making it wrote, each time with ids, tokens and moments of their own.

Making a world takes two hundred statements, and thousands of tests want one. The first is made by the product's own
operations; its rows and the objects that stand for them are the mold of all others.
"""

import io
import pickle
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from accounts.operations.tokens import _new_value, hash_token
from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.ids import new_id

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOMENT = re.compile(r'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?\+00:00)"')
_TOKEN = re.compile(r"cos_pat_[0-9A-Za-z]{36}")

# Oldest tables first, so that what is referred to comes before what refers to it.
_TABLES = """
select c.relname, array_agg(quote_ident(a.attname) order by a.attnum)
from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and not a.attisdropped and a.attnum > 0
    and a.attgenerated = '' and c.relname != all(%s)
    and has_table_privilege(c.oid, 'select') and has_table_privilege(c.oid, 'insert')
group by c.oid, c.relname order by c.oid
"""

FILLED_BY_MIGRATIONS = frozenset({"django_migrations", "django_content_type", "auth_permission"})

Scope = Callable[[], AbstractContextManager[None]]
T = TypeVar("T")


class Mold(Generic[T]):
    """What a world of a few organizations left in the database, and the objects that stand for it."""

    def __init__(self, make: Callable[[], T], *, organizations_of: Callable[[T], Sequence[UUID]]) -> None:
        seen: set[str] = set()
        with transaction.atomic():
            _rows_of([nullcontext], seen=seen)
            self.first = world = make()
            organizations = organizations_of(world)
            self._rows = _rows_of(_scopes(organizations), seen=seen)
        self._organizations = organizations
        self._made_at = clock.now()
        buffer = io.BytesIO()
        pressing = _Pressing(buffer)
        pressing.dump(world)
        self._world, self._tokens = buffer.getvalue(), pressing.tokens
        # In the order they were made in, which is the order that casts make theirs in.
        self._ids = sorted({UUID(found) for rows in self._rows for found in _UUID.findall(rows)})

    def cast(self) -> T:
        """Write the rows anew, and return the objects that stand for them."""
        ids = {old: new_id() for old in self._ids}
        tokens = [_new_value() for _ in self._tokens]
        words = {str(old): str(new) for old, new in ids.items()}
        words |= {hash_token(old).hex(): hash_token(new).hex() for old, new in zip(self._tokens, tokens, strict=True)}
        words |= {f'"hint":"{old[-4:]}"': f'"hint":"{new[-4:]}"' for old, new in zip(self._tokens, tokens, strict=True)}
        pattern = re.compile("|".join(map(re.escape, words)))
        later = clock.now() - self._made_at
        with transaction.atomic():
            for scope, rows in zip(_scopes([ids[old] for old in self._organizations]), self._rows, strict=True):
                fresh = pattern.sub(lambda found: words[found[0]], rows)
                fresh = _MOMENT.sub(lambda found: f'"{(datetime.fromisoformat(found[1]) + later).isoformat()}"', fresh)
                with scope(), connection.cursor() as cursor:
                    cursor.execute(fresh)
        return cast(T, _Casting(io.BytesIO(self._world), ids=ids, tokens=tokens, later=later).load())


def _scopes(organizations: Sequence[UUID]) -> list[Scope]:
    return [nullcontext, *(partial(tenant, each) for each in organizations)]


def _rows_of(scopes: Sequence[Scope], *, seen: set[str]) -> list[str]:
    """For each scope the statements that write what can be read there and was not seen before."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES, [sorted(FILLED_BY_MIGRATIONS)])
        tables = cursor.fetchall()
    written = []
    for scope in scopes:
        with scope(), connection.cursor() as cursor:
            written.append("".join(_statement(cursor, table, columns, seen=seen) for table, columns in tables))
    return written


def _statement(cursor: CursorWrapper, table: str, columns: Sequence[str], *, seen: set[str]) -> str:
    cursor.execute(f'select row_to_json(t)::text from "{table}" t')  # noqa: S608 - a table of the catalog
    rows = [row for (row,) in cursor.fetchall() if row not in seen]
    seen.update(rows)
    if not rows:
        return ""
    names = ", ".join(columns)
    return (
        f'insert into "{table}" ({names}) select {names} '  # noqa: S608 - names and rows of this database
        f'from json_populate_recordset(null::"{table}", $mold$[{",".join(rows)}]$mold$);\n'
    )


class _Pressing(pickle.Pickler):
    """Writes objects down with a place to fill for every id, token and moment."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.tokens: list[str] = []

    def persistent_id(self, value: Any) -> Any:
        """See pickle."""
        if isinstance(value, UUID):
            return "id", value.hex
        if isinstance(value, datetime):
            return "moment", value.isoformat()
        if isinstance(value, str) and _TOKEN.fullmatch(value):
            self.tokens.append(value)
            return "token", len(self.tokens) - 1
        return None


class _Casting(pickle.Unpickler):
    """Reads them with the places filled."""

    def __init__(self, file: io.BytesIO, *, ids: Mapping[UUID, UUID], tokens: Sequence[str], later: timedelta) -> None:
        super().__init__(file)
        self._ids, self._tokens, self._later = ids, tokens, later

    def persistent_load(self, place: Any) -> Any:
        """See pickle."""
        kind, value = place
        if kind == "id":
            return self._ids.get(UUID(value), UUID(value))
        return self._tokens[value] if kind == "token" else datetime.fromisoformat(value) + self._later
