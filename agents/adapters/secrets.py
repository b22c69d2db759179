# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The secrets of one run: opened for its person the moment a step needs them, and taken out of all that comes back.

Keeps the engine's port ``Secrets``. Values stand in the memory of the process that carries the run, and nowhere else;
who takes the run up after it knows none of them before a step opens them again.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import ParamSpec, TypeVar
from uuid import UUID

from django.db import InterfaceError, OperationalError

from accounts.actor import Actor
from accounts.models import Project
from accounts.queries.organizations import allows_secrets_in_prompts
from accounts.tenancy import tenant
from agents.adapters.database_threads import DatabaseThreads
from agents.adapters.standing import Standing
from agents.errors import SecretNotText, SecretsNotForModels, VaultUnreachable
from agents.queries.runs import token_of_run
from codexos.kernel import clock
from codexos.kernel.errors import CodexosError, NotAllowed
from codexos.kernel.jsontypes import JsonValue
from codexos.kernel.redaction import REDACTED, Redactor, redact_in_logs
from vault.operations.values import OpenedSecret, check_secret, use_secret

MOST_REMEMBERED_BYTES = 256 * 1024
"""How much of the values that a run has used is looked for in what comes back; beyond that the oldest are let go."""

P = ParamSpec("P")
R = TypeVar("R")


class RunSecrets:
    """Opens secrets for one run and remembers which values to take out of its results."""

    def __init__(self, standing: Standing, *, run_id: UUID, in_thread: DatabaseThreads) -> None:
        self._standing = standing
        self._run_id = run_id
        self.in_thread = in_thread
        self._values: dict[bytes, None] = {}
        self._redactor: Redactor | None = None

    async def check(self, key: str) -> None:
        """See the port: SecretNotFound, SecretExpired, NotAllowed; VaultUnreachable."""
        await self._ask(self._check, key)

    async def open(self, keys: Collection[str], **by: str) -> Mapping[str, str]:
        """Return the values of secrets; ``by`` tells the audit trail what uses them.

        Raises what ``use_secret`` does, SecretNotText, VaultUnreachable.
        """
        return await self._open(keys, by, is_for_model=False)

    async def open_for_model(self, keys: Collection[str], *, model: str) -> Mapping[str, str]:
        """Return the values of secrets that go to a model. Also raises SecretsNotForModels."""
        return await self._open(keys, {"model": model}, is_for_model=True)

    @property
    def redactor(self) -> Redactor | None:
        """What takes the values used so far out of texts; None before the first."""
        return self._redactor

    async def without(self, value: JsonValue) -> JsonValue:
        """Return a result without the values used so far. May take long: it is done in a thread."""
        return value if self._redactor is None else await asyncio.to_thread(_without, value, self._redactor)

    def clean(self, error: CodexosError) -> CodexosError:
        """Take the values used so far out of an error, and let go of what led to it, which is not to be told."""
        if self._redactor is not None:
            error.message = self._redactor.redact(error.message)
            error.args = (error.message,)
            error.details = {name: self._redactor.redact_json(item) for name, item in error.details.items()}
        error.__cause__ = error.__context__ = None
        return error

    async def _open(self, keys: Collection[str], by: Mapping[str, str], *, is_for_model: bool) -> Mapping[str, str]:
        told = {"run": str(self._run_id), **by}
        opened = await self._ask(self._use, keys, told, is_for_model=is_for_model)
        # Known before anything is done with them: even that they cannot be sent must not be told with the value.
        self._remember(opened.values())
        return {key: _text_of(key, secret) for key, secret in opened.items()}

    async def _ask(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await self.in_thread(function, *args, **kwargs)
        except (OperationalError, InterfaceError):
            raise VaultUnreachable from None

    def _check(self, key: str) -> None:
        actor, project = self._as_of_now()
        check_secret(actor, key, project=project)

    def _use(self, keys: Collection[str], by: Mapping[str, str], *, is_for_model: bool) -> dict[str, OpenedSecret]:
        actor, project = self._as_of_now()
        if is_for_model and not allows_secrets_in_prompts(actor):
            raise SecretsNotForModels(keys=sorted(keys))
        return {key: use_secret(actor, key, project=project, by=by) for key in keys}

    def _as_of_now(self) -> tuple[Actor, Project]:
        """Return who the run acts for, with what they may by now: it may go on for days after it was taken up."""
        standing = self._standing
        with tenant(standing.organization_id):
            found = standing.load_actor()
            project = Project.objects.for_organization(standing.organization_id).filter(pk=standing.project_id).first()
            token = token_of_run(self._run_id, organization_id=standing.organization_id)
        if found is None or project is None:
            raise NotAllowed(f"{standing.name} is no longer a member of this organization: no secret is used for them.")
        if token is not None and not token.is_good(clock.now()):
            raise NotAllowed("The API token that started this run opens nothing any more: no secret is used for it.")
        return replace(found, by_narrow_token=token is not None and token.project_id is not None), project

    def _remember(self, opened: Collection[OpenedSecret]) -> None:
        for secret in opened:
            # Servers and headers drop the line break that a value was typed with.
            for value in (secret.value, secret.usable, secret.usable.strip()):
                self._values.pop(value, None)
                self._values[value] = None
        while sum(map(len, self._values)) > MOST_REMEMBERED_BYTES and len(self._values) > 1:
            del self._values[next(iter(self._values))]
        self._redactor = Redactor(self._values)
        redact_in_logs(self._redactor)


def _without(value: JsonValue, redactor: Redactor) -> JsonValue:
    cleaned = redactor.redact_json(value)
    if cleaned != value and isinstance(cleaned, Mapping) and "sha256" in cleaned:
        # Of what was there before: whoever sees it could try values against it.
        return {**cleaned, "sha256": REDACTED}
    return cleaned


def _text_of(key: str, secret: OpenedSecret) -> str:
    try:
        return secret.usable.decode()
    except UnicodeDecodeError:
        raise SecretNotText(key=key) from None
