# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""rag: look for passages in what the project knows. It calls RagQuery, and passes the gate as any call of it does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from agents.engine.nodes import settings
from agents.engine.nodes.rendering import filled_in
from agents.engine.nodes.tool import ToolCall
from agents.engine.outcomes import Done
from agents.engine.ports import Ports
from agents.engine.steps import Effect, EffectKind, Emit, Setting, StepContext
from agents.engine.tools import check_arguments
from codexos.kernel.jsontypes import JsonObject, JsonValue

RAG_QUERY = "RagQuery"
LONGEST_QUESTION = 8_000
MOST_PASSAGES = 100


@dataclass(frozen=True, slots=True)
class Retrieval:
    """One question to what the project knows, ready to be asked."""

    call: ToolCall

    @property
    def intent(self) -> JsonObject:
        """As of any call of a tool."""
        return self.call.intent

    @property
    def may_repeat(self) -> bool:
        """Asking again changes nothing."""
        return self.call.may_repeat

    @property
    def timeout_seconds(self) -> float:
        """As of any call of a tool."""
        return self.call.timeout_seconds

    @property
    def notes(self) -> Sequence[JsonObject]:
        """As of any call of a tool."""
        return self.call.notes

    async def perform(self, ports: Ports, emit: Emit) -> Done:
        """Ask; the result holds ``passages``, best first, and all of them as one ``text``. Raises what tools raise."""
        done = await self.call.perform(ports, emit)
        found = done.result if isinstance(done.result, Mapping) else {}
        notes: list[JsonObject] = [{"message": str(note), "level": "warning"} for note in _listed(found.get("notes"))]
        result: JsonObject = {"passages": _listed(found.get("results")), "text": found.get("text", "")}
        return replace(done, result=result, notes=[*done.notes, *notes], written=None)


def _listed(value: JsonValue) -> list[JsonValue]:
    return list(value) if isinstance(value, list | tuple) else []


def _prepare(step: StepContext, ports: Ports) -> Effect:
    spec = ports.toolbox.describe(RAG_QUERY)
    said = {name: filled_in(value, step.scope) for name, value in step.node.settings.items() if name in RAG.settings}
    question = said.pop("question", step.last_text)
    arguments: JsonObject = {**said, "query": str(question)[:LONGEST_QUESTION]}
    check_arguments(spec, arguments)
    return Retrieval(ToolCall(spec, arguments, step.key, step.node_id))


_NAME = settings.text(longest=200)

RAG = EffectKind(
    "rag",
    {
        "knowledge": Setting(
            settings.either(_NAME, settings.list_of_texts(longest=200, most=20)),
            "The knowledge bases to ask, by their slugs. Without it, all of the project's.",
        ),
        "question": Setting(
            settings.text(longest=100_000),
            "What to look for; a template. Without it, what leads here: after the entry, the input.",
            is_template=True,
        ),
        "top_k": Setting(settings.whole_number(least=1, most=MOST_PASSAGES), "How many passages at most."),
        "filters": Setting(
            settings.AN_OBJECT,
            "Which documents: source_type, tags, path (a pattern), language, commit; its texts are templates.",
            is_template=True,
        ),
        "rerank": Setting(settings.YES_OR_NO, "Whether what was found is put into a better order by a model."),
        "mode": Setting(settings.one_of("hybrid", "exact", "semantic"), "By words and meaning, by words, by meaning."),
        "neighbors": Setting(settings.whole_number(least=0, most=5), "So many chunks around each are taken along."),
        "temporal": Setting(settings.YES_OR_NO, "Whether what changed lately counts for more."),
    },
    _prepare,
)
