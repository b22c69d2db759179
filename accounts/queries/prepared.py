# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Queries that are asked all the time: their SQL is made once, and asked again for other people and things.

Django makes a query's SQL anew each time, which costs more than asking it. Here it is made for stand-ins: an Actor of
the same shape whose ids are nobody's. Where those come up in its parameters, the true ones take their places. All that
is not an id is part of the key under which the SQL is kept, so two actors who may see differently share nothing.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID, uuid4

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model
from django.db.models.query import get_related_populators

from accounts.actor import Actor
from accounts.tenancy import OrganizationQuerySet

M = TypeVar("M", bound=Model)

MOST_KEPT = 256
_ORGANIZATION = 0


class _Shape(NamedTuple):
    """Everything of an Actor and what is asked for but the ids, of which it says only whether they are there."""

    actor: tuple[Hashable, ...]
    held: tuple[Hashable, ...]
    is_whole: tuple[bool, ...]
    present: tuple[bool, ...]
    choices: tuple[tuple[str, Hashable], ...]


class _Plan(NamedTuple):
    """A query's SQL; of each parameter its value, or which of the ids it is; how rows become models."""

    queryset: OrganizationQuerySet[Any]
    sql: str
    parameters: Sequence[Any] = ()
    places: Sequence[int | None] = ()
    reader: "_Reader | None" = None


class Prepared(Generic[M]):
    """A query by an Actor, ids and choices.

    ``build`` compares ids with columns and does nothing else with them; it knows only what it is given, so no clock.
    """

    def __init__(self, build: Callable[..., "OrganizationQuerySet[M]"]) -> None:
        self._build = build
        self._plan_of = lru_cache(MOST_KEPT)(self._make_plan)

    def rows(self, actor: Actor, *ids: UUID | None, **choices: Hashable) -> list[M]:
        """Read the rows of ``build(actor, *ids, **choices)``, inside of the actor's organization.

        Raises UnscopedRead outside of it, RuntimeError where ``build`` does more with ids than it may.
        """
        known = (*_ids_of(actor), *ids)
        plan = self._plan_of(_shape_of(actor, known, choices=tuple(choices.items())))
        plan.queryset.check_scope()
        if plan.reader is None:
            return []
        pairs = zip(plan.parameters, plan.places, strict=True)
        connection = connections[DEFAULT_DB_ALIAS]
        connection.read_once()  # type: ignore[attr-defined]
        with connection.cursor() as cursor:
            cursor.execute(plan.sql, [value if place is None else known[place] for value, place in pairs])
            return list(plan.reader.models(cursor.fetchall()))

    def _make_plan(self, shape: _Shape) -> _Plan:
        standins = tuple(uuid4() if is_there else None for is_there in shape.present)
        actor, others = _standin(shape, standins)
        queryset = self._build(actor, *others, **dict(shape.choices))
        compiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        try:
            sql, parameters = compiler.as_sql()
        except EmptyResultSet:
            return _Plan(queryset, "")
        place_of = {standin: place for place, standin in enumerate(standins) if standin}
        places = [place_of.get(value) if isinstance(value, UUID) else None for value in parameters]
        _insist_replaced(sql, [*zip(parameters, places, strict=True)], standins=place_of)
        return _Plan(queryset, sql, parameters, places, _Reader(compiler))


class _Reader:
    """Makes rows into models as Django's ModelIterable does, but what that works out for each query is known here."""

    def __init__(self, compiler: Any) -> None:
        known, select = compiler.klass_info, compiler.select
        own = known["select_fields"]
        self._model = known["model"]
        self._own = slice(own[0], own[-1] + 1)
        self._names = [column[0].target.attname for column in select[self._own]]
        self._related = get_related_populators(known, select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]
        self._annotations = compiler.annotation_col_map or {}
        self._converters = compiler.get_converters([column[0] for column in select[: compiler.col_count]])

    def models(self, rows: Sequence[Sequence[Any]]) -> Iterator[Any]:
        """Yield what the rows say, related models with it."""
        for row in map(self._converted, rows):
            one = self._model.from_db(DEFAULT_DB_ALIAS, self._names, row[self._own])
            for related in self._related:
                related.populate(row, one)
            for name, place in self._annotations.items():
                setattr(one, name, row[place])
            yield one

    def _converted(self, row: Sequence[Any]) -> Sequence[Any]:
        values = list(row)
        for place, (converters, expression) in self._converters.items():
            for convert in converters:
                values[place] = convert(values[place], expression, connections[DEFAULT_DB_ALIAS])
        return values


def _ids_of(actor: Actor) -> tuple[UUID | None, ...]:
    own = (actor.organization_id, actor.person_id, actor.project_id, actor.token_id, actor.break_glass_id)
    return (*own, *actor.grants)


def _shape_of(actor: Actor, ids: Sequence[UUID | None], *, choices: tuple[tuple[str, Hashable], ...]) -> _Shape:
    return _Shape(
        actor=(actor.kind, actor.role, actor.limit),
        held=tuple(actor.grants.values()),
        is_whole=tuple(container == actor.organization_id for container in actor.grants),
        present=tuple(one is not None for one in ids),
        choices=choices,
    )


def _standin(shape: _Shape, ids: Sequence[UUID | None]) -> tuple[Actor, Sequence[UUID | None]]:
    """Return an actor of this shape made of the first of the ids, and the others."""
    organization, person, project, token, break_glass, *rest = ids
    kind, role, limit = shape.actor
    count = len(shape.held)
    containers = [organization if is_whole else one for one, is_whole in zip(rest[:count], shape.is_whole, strict=True)]
    made: dict[str, Any] = {
        "kind": kind,
        "role": role,
        "limit": limit,
        "organization_id": organization,
        "person_id": person,
        "project_id": project,
        "token_id": token,
        "break_glass_id": break_glass,
        "label": "",
        "grants": dict(zip(containers, shape.held, strict=True)),
    }
    return Actor(**made), rest[count:]


def _insist_replaced(sql: str, parameters: Sequence[tuple[Any, int | None]], *, standins: dict[UUID, int]) -> None:
    """Raise RuntimeError unless the query is by the organization, and no stand-in is left where no id is put."""
    left = sql + "".join(str(value) for value, place in parameters if place is None)
    plain = left.replace("-", "")
    if _ORGANIZATION not in (place for _, place in parameters) or any(one.hex in plain for one in standins):
        raise RuntimeError("A prepared query must name the organization, and compare ids with columns only.")
