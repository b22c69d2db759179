# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A model that answers from a script: what it says depends on its question alone, as a crash may ask it again."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

from codexos.kernel.chat import ChatAnswer, ChatRequest, Delta, Usage
from codexos.kernel.jsontypes import JsonObject

Script = Callable[[ChatRequest], str]


@dataclass
class ScriptedModel:
    """Says what its script says, and remembers every request."""

    script: Script
    cites: list[JsonObject] = field(default_factory=list)
    requests: list[ChatRequest] = field(default_factory=list)

    def input_budget(self, model: str) -> int:
        return 400_000

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | ChatAnswer, None]:
        self.requests.append(request)
        text = self.script(request)
        yield Delta(text)
        cited = [each for each in self.cites if str(each["quote"]) in text]
        yield ChatAnswer(text, request.model, Usage(10, 5), cited)


def asked_of(request: ChatRequest) -> str:
    """What kind of task a request is, by its marker: ``Judging``, ``Revising``, ``Planning``, or empty."""
    return type(request.task).__name__ if request.task is not None else ""
