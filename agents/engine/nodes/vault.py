# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""vault: refer to a secret, having looked whether it is there for the run's person. Its result is never the value."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agents.engine.nodes import settings
from agents.engine.outcomes import Done
from agents.engine.ports import Ports
from agents.engine.secrets import SecretRef
from agents.engine.steps import Effect, EffectKind, Emit, Setting, Shape, StepContext
from codexos.kernel.jsontypes import JsonObject, JsonValue

LONGEST_KEY = 100
_KEY = re.compile(r"[^\s{}/\x00-\x1f]+")


@dataclass(frozen=True, slots=True)
class Look:
    """A look whether a secret may be used; nothing is opened."""

    key: str
    may_repeat: bool = True
    timeout_seconds: float = 60
    notes: Sequence[JsonObject] = ()

    @property
    def intent(self) -> JsonObject:
        """Which secret, by its key."""
        return {"secret": self.key}

    async def perform(self, ports: Ports, emit: Emit) -> Done:
        """Look. Raises what the port raises, such as SecretNotFound."""
        await ports.secrets.check(self.key)
        return Done({"secret": self.key})


def _prepare(step: StepContext, ports: Ports) -> Effect:
    return Look(SecretRef.to(step.setting_text("secret") or "").key)


def _key_trouble(value: JsonValue) -> str | None:
    if isinstance(value, str) and "{" in value:
        return "must be the key of a secret itself, such as github, and no template"
    trouble = _TEXT.trouble(value)
    if trouble is None and isinstance(value, str) and not _KEY.fullmatch(value):
        return "must be the key of a secret, such as github, without blanks and slashes"
    return trouble


_TEXT = settings.text(longest=LONGEST_KEY)

VAULT = EffectKind(
    "vault",
    {
        "secret": Setting(
            Shape(_key_trouble, _TEXT.schema),
            "The secret to refer to, by its key. {{ this node }} in a tool's arguments hands it on.",
            is_required=True,
        )
    },
    _prepare,
)
