# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Secrets for a person who tries a tool or reads a tool server: opened as theirs, each use in the audit trail."""

from collections.abc import Collection, Mapping

from accounts.actor import Actor
from accounts.models import Project
from agents.errors import SecretNotText
from codexos.kernel.errors import CodexosError
from codexos.kernel.jsontypes import JsonValue
from codexos.kernel.redaction import Redactor, redact_in_logs
from llm.operations.threads import in_callers_thread
from vault.operations.values import OpenedSecret, use_secret


class PersonSecrets:
    """Opens what a key means in a project, for the actor."""

    def __init__(self, actor: Actor, project: Project) -> None:
        self._actor = actor
        self._project = project
        self._redactor = Redactor(())
        self._values: set[bytes] = set()

    async def open(self, keys: Collection[str], **by: str) -> Mapping[str, str]:
        """Return the values of secrets. Raises what ``use_secret`` does, SecretNotText."""
        opened = await in_callers_thread(self._use, keys, by)
        for secret in opened.values():
            self._values |= {secret.value, secret.usable, secret.usable.strip()}
        self._redactor = Redactor(self._values)
        redact_in_logs(self._redactor)
        return {key: _text_of(key, secret) for key, secret in opened.items()}

    @property
    def redactor(self) -> Redactor | None:
        """What takes the values that were opened out of texts."""
        return self._redactor if self._values else None

    def without(self, value: JsonValue) -> JsonValue:
        """Return a result without the values that were opened."""
        return self._redactor.redact_json(value) if self._values else value

    def clean(self, error: CodexosError) -> CodexosError:
        """Take the values that were opened out of an error."""
        error.message = self._redactor.redact(error.message) if self._values else error.message
        error.args = (error.message,)
        return error

    def _use(self, keys: Collection[str], by: Mapping[str, str]) -> dict[str, OpenedSecret]:
        return {key: use_secret(self._actor, key, project=self._project, by=by) for key in keys}


def _text_of(key: str, secret: OpenedSecret) -> str:
    try:
        return secret.usable.decode()
    except UnicodeDecodeError:
        raise SecretNotText(key=key) from None
