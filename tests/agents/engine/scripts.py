# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A model that answers from a script: what it says depends on its question alone, as a crash may ask it again."""

import json
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from decimal import Decimal

from codexos.kernel.chat import CallPiece, ChatAnswer, ChatRequest, Delta, ToolCall, Usage
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


Said = tuple[str, list[tuple[str, JsonObject | str]]]
"""What an agent's model says: a text, and which tools it calls with what."""


@dataclass
class CallingModel:
    """A model that calls tools as its script says, which goes by the request alone; remembers every request."""

    script: Callable[[ChatRequest], Said]
    requests: list[ChatRequest] = field(default_factory=list)
    budget: int = 400_000
    cost_usd: Decimal = Decimal("0.001")

    def input_budget(self, model: str) -> int:
        return self.budget

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | ChatAnswer, None]:
        self.requests.append(request)
        text, asked = self.script(request)
        yield Delta(text)
        written = [(name, given if isinstance(given, str) else json.dumps(given)) for name, given in asked]
        calls = [ToolCall(f"call{round_of(request)}_{n}", *each) for n, each in enumerate(written)]
        for index, call in enumerate(calls):
            yield Delta("", CallPiece(index, call.name, call.arguments))
        yield ChatAnswer(
            text, request.model, Usage(10, 5, self.cost_usd), calls=calls, value=_value(request, text) if text else None
        )


def _value(request: ChatRequest, text: str) -> JsonObject | None:
    return {"answer": text} if request.schema is not None else None


def round_of(request: ChatRequest) -> int:
    """How often tools were called before a request."""
    return sum(1 for message in request.messages if message.role == "assistant")


def told(request: ChatRequest) -> list[str]:
    """What tools have said to a model by now."""
    return [message.text for message in request.messages if message.role == "tool"]
