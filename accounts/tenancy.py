# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The two walls between organizations, as the code sees them.

First wall: models of an organization refuse to be read without saying whose. Second wall: PostgreSQL's row-level
security, which believes only a signed, expiring token set inside the transaction (see accounts/sql/walls.sql).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, Self, TypeVar, cast
from uuid import UUID

from django.conf import settings
from django.db import connection, models, transaction

from codexos.kernel.errors import UnscopedRead
from codexos.kernel.ids import new_id
from codexos.kernel.sealing import mac

TOKEN_SECONDS = 300

_tenant: ContextVar[UUID | None] = ContextVar("tenant", default=None)
_platform: ContextVar[UUID | None] = ContextVar("platform", default=None)


class _Asker(Protocol):
    @property
    def organization_id(self) -> UUID: ...


A = TypeVar("A", bound=_Asker)
P = ParamSpec("P")
R = TypeVar("R")
M = TypeVar("M", bound=models.Model)


def sign_token(kind: str, subject: UUID, *, expires_at: int) -> str:
    """Return ``kind.subject.expiry.mac``; the database recomputes the HMAC-SHA256 with a key the app cannot read."""
    message = f"{kind}.{subject}.{expires_at}"
    return f"{message}.{mac(settings.TENANT_TOKEN_KEY, message.encode()).hex()}"


def tenant_token(organization_id: UUID) -> str:
    """Return a token for one organization, good for TOKEN_SECONDS by the real clock, which the database reads too."""
    return sign_token("tenant", organization_id, expires_at=int(time.time()) + TOKEN_SECONDS)


def current_tenant() -> UUID | None:
    """Return the organization whose rows this transaction may touch, if any."""
    return _tenant.get()


@contextmanager
def tenant(organization_id: UUID, *, durable: bool = False) -> Iterator[None]:
    """Open a transaction in which the rows of one organization are visible; restores the outer one on leaving.

    Inside of the same organization already, it joins: what fails there fails the whole, unless the caller made a
    savepoint of its own. ``durable`` says that what is written must stand when it is left: RuntimeError inside of any
    other transaction.
    """
    with _holding(_tenant, organization_id, setting="app.tenant_token", token=tenant_token, durable=durable):
        yield


@contextmanager
def platform(person_id: UUID) -> Iterator[None]:
    """Open a transaction in which the tables named for the admin console can be read across organizations."""
    with _holding(_platform, person_id, setting="app.platform_token", token=_platform_token):
        yield


def stay() -> None:
    """Renew the token of this transaction's organization: for one that may take longer than TOKEN_SECONDS.

    Raises UnscopedRead outside of any organization's transaction.
    """
    organization_id = _tenant.get()
    if organization_id is None:
        raise UnscopedRead("stay() was called outside of an organization's transaction.")
    _set_local("app.tenant_token", tenant_token(organization_id))


def _platform_token(person_id: UUID) -> str:
    return sign_token("platform", person_id, expires_at=int(time.time()) + TOKEN_SECONDS)


@contextmanager
def _holding(
    variable: ContextVar[UUID | None],
    subject: UUID,
    *,
    setting: str,
    token: Callable[[UUID], str],
    durable: bool = False,
) -> Iterator[None]:
    outer = variable.get() if connection.in_atomic_block else None
    if outer == subject and not durable:
        # Joins what is open already: a savepoint for every nested call would double a page's statements.
        yield
        return
    reset = variable.set(subject)
    try:
        with transaction.atomic(durable=durable):
            if connection.savepoint_ids:
                _set_local(setting, token(subject))
            else:
                # Sent with the block's first statement, and with its BEGIN (codexos/postgres).
                connection.open_with(setting, token(subject))  # type: ignore[attr-defined]
            yield
            # Leaving a savepoint keeps what was set inside it, so the outer organization is put back by hand.
            if connection.savepoint_ids:
                _set_local(setting, token(outer) if outer else "")
    finally:
        variable.reset(reset)


def _set_local(setting: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select set_config(%s, %s, true)", [setting, value])


def in_organization(
    function: Callable[Concatenate[A, P], R],
) -> Callable[Concatenate[A, P], R]:
    """Run an operation or query, whose first argument is an Actor, in one transaction of the actor's organization."""

    @wraps(function)
    def wrapper(actor: A, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with tenant(actor.organization_id):
            return function(actor, *args, **kwargs)

    return wrapper


class OrganizationQuerySet(models.QuerySet[M]):
    """A query that knows whether it was told whose rows it is after."""

    _is_scoped = False

    def for_organization(self, organization_id: UUID) -> Self:
        """Keep the rows of one organization."""
        return self.filter(organization_id=organization_id)._mark_scoped()

    def across_organizations(self, *, because: str) -> Self:
        """Read rows of several organizations; the database still shows only what its policies allow."""
        if not because:
            raise UnscopedRead("across_organizations needs a reason.")
        return self._mark_scoped()

    def _mark_scoped(self) -> Self:
        clone = self.all()
        clone._is_scoped = True
        return clone

    def _clone(self) -> Self:
        clone = super()._clone()  # type: ignore[misc]
        clone._is_scoped = self._is_scoped or "instance" in self._hints  # type: ignore[attr-defined]
        return cast(Self, clone)

    def check_scope(self) -> None:
        """Raise UnscopedRead unless it was said whose rows these are, inside of their transaction."""
        if not (self._is_scoped or "instance" in self._hints):  # type: ignore[attr-defined]
            raise UnscopedRead(f"{self.model.__name__} rows were asked for without saying whose.")
        if _tenant.get() is None and _platform.get() is None:
            raise UnscopedRead(f"{self.model.__name__} rows were asked for outside of an organization's transaction.")

    def _fetch_all(self) -> None:
        if self._result_cache is None:
            self.check_scope()
        super()._fetch_all()

    def iterator(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        self.check_scope()
        return super().iterator(*args, **kwargs)

    def count(self) -> int:
        self.check_scope()
        return super().count()

    def exists(self) -> bool:
        self.check_scope()
        return super().exists()

    def aggregate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        self.check_scope()
        return super().aggregate(*args, **kwargs)

    def update(self, **kwargs: Any) -> int:
        self.check_scope()
        return super().update(**kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        self.check_scope()
        return super().delete()


OrganizationManager = models.Manager.from_queryset(OrganizationQuerySet)


class OrganizationModel(models.Model):
    """A row that belongs to one organization. Its table must be protected in the migration that makes it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OrganizationManager()

    class Meta:
        abstract = True
