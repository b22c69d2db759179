# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Questions that the engine itself puts to a model, inside nodes that hold lanes, and reading what it answers."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from agents.engine.nodes.llm import ModelCall, fit_documents
from agents.engine.outcomes import Done
from agents.engine.ports import Ports
from agents.engine.steps import Emit, StepContext
from codexos.kernel.chat import ChatRequest, ChatTask, Message
from codexos.kernel.jsontypes import JsonObject, JsonValue

Reader = Callable[[JsonObject], Done]
"""Makes what a model gave into a step's result, with what people should know of it."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question to a model whose answer is read before it is kept."""

    call: ModelCall
    read: Reader

    @property
    def intent(self) -> JsonObject:
        """As of any question."""
        return self.call.intent

    @property
    def may_repeat(self) -> bool:
        """As of any question."""
        return self.call.may_repeat

    @property
    def timeout_seconds(self) -> float:
        """As of any question."""
        return self.call.timeout_seconds

    @property
    def notes(self) -> Sequence[JsonObject]:
        """As of any question."""
        return self.call.notes

    async def perform(self, ports: Ports, emit: Emit) -> Done:
        """Ask, and read the answer. Raises what asking raises."""
        answered = await self.call.perform(ports, emit)
        read = self.read(answered.result if isinstance(answered.result, Mapping) else {})
        return replace(read, usage=answered.usage, notes=[*answered.notes, *read.notes])


def question(step: StepContext, ports: Ports, *, system: str, said: str, task: ChatTask, read: Reader) -> Question:
    """Put a question together, with the documents of the run beside it as far as they fit."""
    model = step.setting_text("model") or "default"
    budget = ports.model.input_budget(model) - len(system) - len(said)
    documents, cut = fit_documents(step.run.documents, budget=max(0, budget))
    messages = [Message("system", system), Message("user", said)]
    request = ChatRequest(model, messages, documents, task=task, step=step.node_id, key=step.key)
    return Question(ModelCall(step.node_id, request, cut), read)


def fenced(name: str, text: str) -> str:
    """Put text between lines that nothing in it can forge: the mark depends on every word of it."""
    mark = f"====={hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:12]}"
    return f"{mark} {name}\n{text}\n{mark} end of the {name}"


def unfenced(text: str) -> str:
    """Take off the fence of backticks that models like to put around an answer that has a form."""
    said = text.strip()
    if not (said.startswith("```") and said.endswith("```") and "\n" in said):
        return said
    return said.partition("\n")[2].rpartition("```")[0].strip()


def given_text(step: StepContext, name: str) -> str:
    """Return a text of what the lane of an asking step began with."""
    given = step.input.get(name) if isinstance(step.input, Mapping) else None
    return given if isinstance(given, str) else ""


def picked(settings: JsonObject, *names: str) -> dict[str, JsonValue]:
    """Return those of the settings that are set."""
    return {name: settings[name] for name in names if settings.get(name) is not None}
