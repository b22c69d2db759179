# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A model whose answers fit the schema that was asked for: one that does not is asked for once more, then refused."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from codexos.kernel.chat import Attempt, ChatAnswer, ChatModel, ChatRequest, Delta, Usage
from codexos.kernel.jsontypes import JsonObject
from llm.engine.structured import asking_again, asking_for, read_answer
from llm.errors import ModelAnswerUnfit

Pieces = AsyncGenerator[Delta | ChatAnswer]


class Structured:
    """Keeps the port ``ChatModel`` around another that keeps it."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    def input_budget(self, model: str) -> int:
        """See the port."""
        return self._model.input_budget(model)

    def stream(self, request: ChatRequest) -> Pieces:
        """See the port. Raises also ModelAnswerUnfit."""
        return self._model.stream(request) if request.schema is None else self._fitting(request, request.schema)

    async def _fitting(self, request: ChatRequest, schema: JsonObject) -> Pieces:
        asked = asking_for(request, schema)
        spent, attempts, wrong = Usage(), list[Attempt](), list[str]()
        for is_second in (False, True):
            async with aclosing(self._model.stream(asked)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Delta):
                        # What people read comes from the first answer; of the second they hear that it is on its way.
                        yield Delta("", piece.call) if is_second else piece
                        continue
                    answer = piece
            spent, attempts = spent + answer.usage, [*attempts, *answer.attempts]
            reading = read_answer(answer, schema)
            # Who asks for tools first has not answered yet.
            if answer.calls or not reading.wrong:
                note = _note(answer.note, wrong) if is_second else answer.note
                yield replace(answer, value=reading.value, usage=spent, attempts=attempts, note=note)
                return
            wrong = list(reading.wrong)
            asked = asking_again(asked, answer, wrong=wrong)
        raise ModelAnswerUnfit(model=answer.model, because=wrong, usage=spent)


def _note(note: str | None, wrong: list[str]) -> str:
    said = f"The model's first answer did not fit its schema, so it was asked once more: {'; '.join(wrong)}."
    return f"{said} {note}" if note else said
