# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the tools of one run are given."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from django.conf import settings

from agents.adapters.standing import Standing
from agents.adapters.workspaces.opening import unkept_workspace
from agents.adapters.workspaces.workspace import Workspace
from agents.engine.gate import Occasion
from agents.engine.tools import ToolSpec
from codexos.kernel.chat import ChatModel, ContextDocument
from codexos.kernel.http import EgressPolicy, parse_egress_allow
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.redaction import Redactor
from llm.operations.threads import InThread


class Tool(Protocol):
    """Something a run may call."""

    @property
    def spec(self) -> ToolSpec: ...

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue: ...


class Secrets(Protocol):
    """Opens secrets for whoever the tools work for, and remembers what to take out of what comes back."""

    async def open(self, keys: Collection[str], **by: str) -> Mapping[str, str]: ...

    @property
    def redactor(self) -> Redactor | None: ...


def egress_of_settings() -> EgressPolicy:
    """Return what the operator lets flows reach."""
    return EgressPolicy(allow=parse_egress_allow(settings.EGRESS_ALLOW), local_only=settings.EGRESS_LOCAL_ONLY)


@dataclass(frozen=True, slots=True)
class ToolRoom:
    """Where the tools of one run work: its documents, its way out, and for whom it acts.

    ``shelved`` are the tools it names that are not built in, ``secrets`` those it may use.
    ``model`` is what its steps ask models by, and so is counted for it.
    Without ``standing`` there is no database to ask and nobody to ask it for: as in a trial on the command line.
    """

    documents: Sequence[ContextDocument] = ()
    egress: EgressPolicy = field(default_factory=egress_of_settings)
    run_id: UUID | None = None
    standing: Standing | None = None
    conversation: str = ""
    flow_id: UUID | None = None
    in_thread: InThread | None = None
    secrets: Secrets | None = None
    shelved: "Mapping[str, Maker]" = field(default_factory=dict)
    model: ChatModel | None = None
    files: Workspace = field(default_factory=unkept_workspace)

    async def workspace(self) -> Workspace:
        """Return the files of the run: in one place for all its tools, made when first looked at."""
        return self.files


Maker = Callable[[ToolRoom], Tool]
"""Makes a tool the first time a run calls it."""
