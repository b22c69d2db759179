# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""tool: call a tool. Without ``arguments`` the last text goes to the tool's one required text parameter."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from agents.engine.errors import ToolCallInvalid
from agents.engine.gate import ALLOWED, ChosenBy, Decision, Occasion
from agents.engine.nodes import settings
from agents.engine.nodes.rendering import filled_in
from agents.engine.outcomes import Done, Failed, Outcome, StepError
from agents.engine.ports import NotedCall, Ports
from agents.engine.secrets import with_references
from agents.engine.steps import Effect, EffectKind, Emit, Setting, StepContext
from agents.engine.tools import ToolSpec, arguments_from_text, check_arguments, kept_result
from codexos.kernel.jsontypes import JsonObject, JsonValue

PREVIEW_SECONDS = 5.0
MOST_PREVIEW_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of one tool, ready to be decided about and made.

    A model that chose it makes it ``chosen_by`` that; ``labels`` are then those of what it was shown beside its lane.
    ``refusal`` says what a step comes to whose call is denied, rejected or not approved in time: a model is told so.
    ``decision`` is what it was let through by, with the approval where there is one, and what the trail is told of it:
    the gate's keeper sets them.

    An effect that is made around a call holds it as ``call``, and is a dataclass.
    """

    spec: ToolSpec
    arguments: JsonObject
    key: str
    node_id: str = ""
    notes: Sequence[JsonObject] = ()
    chosen_by: ChosenBy = "flow"
    labels: frozenset[str] = frozenset()
    refusal: Callable[[StepError], Outcome] = Failed
    decision: Decision = ALLOWED
    approved: JsonObject | None = None
    noted: NotedCall | None = None

    @property
    def shown(self) -> JsonObject:
        """Its arguments as they may be written down."""
        return with_references(self.spec.shown(self.arguments), self.arguments)

    @property
    def intent(self) -> JsonObject:
        """Which tool, with what of it may be written down, under which key, and what lets it through."""
        intent: JsonObject = {"tool": self.spec.name, "arguments": self.shown, "key": self.key}
        return intent if self.decision == ALLOWED else {**intent, "gate": self._gate}

    @property
    def _gate(self) -> JsonObject:
        said: dict[str, JsonValue] = {"verdict": self.decision.verdict, "policy": self.decision.policy}
        if self.decision.verdict != "allow":
            said["reasons"] = list(self.decision.reasons)
        if self.approved is not None:
            said["approved"] = self.approved
        return said

    @property
    def may_repeat(self) -> bool:
        """As the tool promises of these arguments."""
        return self.spec.may_repeat(self.arguments)

    @property
    def ends_with_run(self) -> bool:
        """Whether it is stopped with a run that people cancel, though it may have had its effect."""
        return self.spec.ends_with_run

    @property
    def timeout_seconds(self) -> float:
        """As the tool says."""
        return self.spec.timeout_seconds

    async def perform(self, ports: Ports, emit: Emit) -> Done:
        """Call the tool. Raises ToolCallInvalid where it would do something else than whoever approved was shown."""
        seen = self.approved.get("previewed") if self.approved is not None else None
        if seen is not None and seen != preview_hash(await preview_of(self.spec, self.arguments, ports=ports)):
            why = f"What tool {self.spec.name!r} would do has changed since it was approved. Call it again to ask anew."
            raise ToolCallInvalid(why, tool=self.spec.name)
        on = Occasion(self.key, self.node_id, emit, self.decision, self.labels)
        spec = self.spec
        done = kept_result(spec, await ports.toolbox.call(spec.name, self.arguments, on=on))
        found = spec.labels_in(done.result) if spec.labels_in is not None else frozenset()
        labels = found | {f"tool:{spec.name}"} if spec.gives_untrusted else found
        # What reached nobody left nothing of a stranger's in the workspace that was not there or handed to it.
        only_told = labels if labels and not spec.goes_out(self.arguments) else frozenset[str]()
        left = spec.keeps_files and isinstance(done.result, Mapping) and "workspace" in done.result
        return replace(done, labels=labels, only_told=only_told, left=left) if labels or left else done


async def preview_of(spec: ToolSpec, arguments: JsonObject, *, ports: Ports) -> str | None:
    """Return what a call would do, as far as it is shown; None where its tool cannot say. Raises what the tool does."""
    preview = getattr(ports.toolbox, "preview", None)
    if preview is None:
        return None
    async with asyncio.timeout(PREVIEW_SECONDS):
        said = await preview(spec.name, arguments)
    if not isinstance(said, str) or not said:
        return None
    # A tool may have cut it there itself.
    more = "\n… (there may be more, which is not shown)" if len(said) >= MOST_PREVIEW_CHARACTERS else ""
    return said[:MOST_PREVIEW_CHARACTERS] + more


def preview_hash(preview: str | None) -> str:
    """Return what an approval is bound to of what was shown beside a call: the SHA-256, in hex."""
    return hashlib.sha256((preview or "").encode("utf-8", "surrogatepass")).hexdigest()


def _prepare(step: StepContext, ports: Ports) -> Effect:
    spec = ports.toolbox.describe(step.setting_text("tool") or "")
    given = step.node.settings.get("arguments")
    if given is None:
        arguments: JsonValue = arguments_from_text(spec, step.last_text)
    else:
        arguments = filled_in(given, step.scope, secret_in=step.secret_in)
    if not isinstance(arguments, Mapping):
        raise ToolCallInvalid(f"The arguments of tool {spec.name!r} must be an object.", tool=spec.name)
    check_arguments(spec, arguments)
    return ToolCall(spec, arguments, step.key, step.node_id)


TOOL = EffectKind(
    "tool",
    {
        "tool": Setting(settings.text(longest=200), "The tool to call, by its name.", is_required=True),
        "arguments": Setting(
            settings.AN_OBJECT,
            "What the tool is called with; its texts are templates. Without it, the last text goes to the tool's one "
            "required text parameter. Here alone {{ vault.KEY }} hands on a secret.",
            is_template=True,
            secrets_to="tools",
        ),
    },
    _prepare,
)
