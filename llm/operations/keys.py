# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The keys of providers: opened in the vault for the organization's gateway, and kept in memory for minutes at most.

Each opening is audited, as any use of a secret is. The gateway opens what lies where somebody asks from: the project,
its team, the organization, or what is shared with that team or person; a rule that denies it to them, denies it here.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.db import InterfaceError, OperationalError

from accounts.actor import Actor, ActorKind
from accounts.models import Person
from accounts.queries.grants import load_actor
from accounts.roles import Permission, Role
from codexos.kernel import clock
from codexos.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound
from codexos.kernel.ids import OrganizationId, PersonId, ProjectId
from codexos.kernel.redaction import Redactor, redact_in_logs
from llm.errors import ModelKeyUnusable, RoutesUnreadable
from llm.operations.askers import Asker
from llm.operations.gathering import Gathered
from llm.operations.threads import InThread
from llm.queries.catalogs import KeyPlace
from vault.operations.values import use_secret_for
from vault.queries.secrets import Reach

KEPT_SECONDS = 300.0
MOST_KEPT = 5_000
_NOBODY = UUID(int=0)
_HELD = frozenset({Permission.SEE, Permission.ACCESS_VAULT})

_Name = tuple[UUID, UUID | None, tuple[int, ...], UUID | None, UUID | None, UUID | None]


@dataclass(frozen=True, slots=True)
class _Kept:
    """An open key, until when it may be used, and what keeps it out of the logs."""

    value: str
    until: float
    redactor: Redactor

    def __repr__(self) -> str:
        return "_Kept(…)"


class ProviderKeys:
    """The open keys of this process."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._kept: dict[_Name, _Kept] = {}
        self._opening: Gathered[_Name, _Kept] = Gathered()

    async def value(self, place: KeyPlace, *, asker: Asker, in_thread: InThread) -> str:
        """Return a key to be sent. Raises ModelKeyUnusable, KeyUnavailable, RoutesUnreadable."""
        if place.secret_id is None:
            raise _unusable(place, "there is none of that name in its folder any more.")
        if place.expires_at is not None and place.expires_at <= clock.now():
            raise _unusable(place, "its time is over.")
        name = (place.provider_id, place.secret_id, place.version, asker.project_id, asker.team_id, asker.person_id)
        kept = self._kept.get(name)
        if kept is None or self._now() >= kept.until:
            try:
                kept = await self._opening.ask(name, lambda: in_thread(self._open, place, asker))
            except (OperationalError, InterfaceError):
                raise RoutesUnreadable from None
            self._keep(name, kept)
        return kept.value

    def forget(self, provider_id: UUID) -> None:
        """Let go of a provider's key: it was refused, or changed here."""
        # Pages are served by threads beside the loop: each step leaves what is kept whole.
        for name in [name for name in list(self._kept) if name[0] == provider_id]:
            self._kept.pop(name, None)

    def drop_old(self) -> None:
        """Let go of what is kept for too long."""
        now = self._now()
        for name in [name for name, kept in list(self._kept.items()) if now >= kept.until]:
            self._kept.pop(name, None)

    def _keep(self, name: _Name, kept: _Kept) -> None:
        self.drop_old()
        while len(self._kept) >= MOST_KEPT:
            self._kept.pop(next(iter(list(self._kept))), None)
        self._kept[name] = kept
        asyncio.get_running_loop().call_later(KEPT_SECONDS, self.drop_old)

    def _open(self, place: KeyPlace, asker: Asker) -> _Kept:
        assert place.secret_id is not None  # noqa: S101 - looked at before
        told = {"provider": place.provider} | ({"run": str(asker.run_id)} if asker.run_id else {})
        reach = Reach(asker.project_id, asker.team_id)
        try:
            opened = use_secret_for(_gateway_for(asker), place.secret_id, reach=reach, by=told)
            value = opened.usable.decode().strip()
        except (NotFound, NotAllowed):
            raise _unusable(place, "it is gone, not shared with who asks, or denied to them.") from None
        except (Conflict, InvalidInput) as error:
            raise _unusable(place, error.message) from None
        except UnicodeDecodeError:
            raise _unusable(place, "it is no text.") from None
        redactor = Redactor([opened.value, opened.usable, value])
        redact_in_logs(redactor)
        return _Kept(value, self._now() + KEPT_SECONDS, redactor)


def _unusable(place: KeyPlace, because: str) -> ModelKeyUnusable:
    return ModelKeyUnusable(provider=place.provider, key=place.key, because=because)


def _gateway_for(asker: Asker) -> Actor:
    """Return the organization's gateway, where somebody asks from: it may use the vault there, whatever they may."""
    person = asker.person_id and load_actor(Person(pk=asker.person_id), organization_id=asker.organization_id)
    return Actor(
        kind=ActorKind.RUN,
        person_id=PersonId(asker.person_id or _NOBODY),
        organization_id=OrganizationId(asker.organization_id),
        role=person.role if person else Role.VIEWER,
        label=f"Model gateway for {person.label}" if person else "Model gateway",
        grants={asker.team_id or _NOBODY: _HELD},
        project_id=None if asker.project_id is None else ProjectId(asker.project_id),
    )


provider_keys = ProviderKeys()
"""Those of this process."""
