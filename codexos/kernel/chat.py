# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is said to a language model and what comes back: types only."""

from bisect import bisect_right
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, Protocol

from codexos.kernel.jsontypes import JsonObject, JsonValue

ChatRole = Literal["system", "user", "assistant", "tool"]
ToolChoice = Literal["auto", "required", "none"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


@dataclass(frozen=True, slots=True)
class Image:
    """A picture shown to a model: its bytes and what they are (``image/png``)."""

    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model asks for a tool. ``arguments`` are JSON as the model wrote it, which may be none at all."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One turn: who speaks, the text, the pictures beside it, and the tools that an assistant asks for.

    What a tool said has the role ``tool``, and ``call_id`` names the call it answers.
    """

    role: ChatRole
    text: str
    images: Sequence[Image] = ()
    calls: Sequence[ToolCall] = ()
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class ContextDocument:
    """A text handed to the model beside the question, labelled by its name.

    Where it stands on pages, ``page_starts`` holds the line (from 1) that each begins at. A part of something larger
    begins at its ``first_line``, None where there are no lines, and is cited as ``cited_as`` says.
    """

    name: str
    text: str
    page_starts: tuple[int, ...] = ()
    first_line: int | None = 1
    cited_as: JsonObject | None = None

    def page_of(self, line: int) -> int | None:
        """Return the page (from 1) that a line stands on, if there are pages."""
        return bisect_right(self.page_starts, line) or None

    def cite(self, quote: str, *, first_line: int, last_line: int) -> JsonObject:
        """Say where a quote stands, by lines and, where there are pages, by the page it begins on.

        The lines are those of the text, from 1.
        """
        said: dict[str, JsonValue] = {"path": self.name, **(self.cited_as or {})}
        if self.first_line is not None:
            first, last = (line + self.first_line - 1 for line in (first_line, last_line))
            said["lines"] = str(first) if first == last else f"{first}-{last}"
        page = self.page_of(first_line)
        return {**said, "quote": quote} | ({"page": page} if page else {})


@dataclass(frozen=True, slots=True)
class Judging:
    """The answer is a verdict on a draft: PASS or REVISE in its first line, then why."""

    draft: str
    rubric: str


@dataclass(frozen=True, slots=True)
class Revising:
    """The answer is the whole draft again, as the critique wants it."""

    draft: str
    rubric: str
    critique: str


@dataclass(frozen=True, slots=True)
class ToolOffer:
    """A tool that a model or a plan may call: what it is for, and the shape of its arguments."""

    name: str
    description: str
    schema: JsonObject


@dataclass(frozen=True, slots=True)
class Planning:
    """The answer is a flow document in JSON, of these kinds of node and calling these tools alone."""

    goal: str
    tools: Sequence[ToolOffer]
    kinds: Sequence[str]
    max_nodes: int


ChatTask = Judging | Revising | Planning


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A question to the model or route ``model``; ``documents`` may be quoted, ``max_tokens`` bounds the answer.

    ``tools`` may be asked for, as ``tool_choice`` says. With ``schema`` the answer is JSON that fits it. One attempt at
    one deployment takes ``timeout_seconds`` at most. Where it ``caches``, an answer given before to the same request
    will do, and where it ``may_wait`` the provider may take hours. One ``conversation`` stays with one deployment.
    ``step`` names the step that asks, and ``key`` is the same for every attempt at it: for the books, no model sees it.
    The documents in ``quotable`` stand in the messages already, and may be quoted like the others.

    ``task`` says once more, for programs, what the messages ask for where the answer is to have a form. Models are
    asked by the messages alone; the built-in one, which understands no prompts, goes by ``task``.
    """

    model: str
    messages: Sequence[Message]
    documents: Sequence[ContextDocument] = ()
    temperature: float | None = None
    max_tokens: int | None = None
    task: ChatTask | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: Sequence[str] = ()
    timeout_seconds: float | None = None
    tools: Sequence[ToolOffer] = ()
    tool_choice: ToolChoice = "auto"
    schema: JsonObject | None = None
    caches: bool = False
    may_wait: bool = False
    conversation: str = ""
    step: str = ""
    key: str = ""
    quotable: Sequence[ContextDocument] = ()

    @property
    def citable(self) -> Sequence[ContextDocument]:
        """Every document whose words an answer may quote."""
        return [*self.documents, *self.quotable] if self.quotable else self.documents


@dataclass(frozen=True, slots=True)
class Usage:
    """What one call cost: tokens in, tokens out, US dollars.

    Of the input, ``cached_tokens`` were read from the provider's own cache and ``cache_write_tokens`` written to it.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    cached_tokens: int = 0
    cache_write_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cost_usd + other.cost_usd,
            self.cached_tokens + other.cached_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
        )


class Paid:
    """Of an error: what was asked cost something all the same."""

    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class CallPiece:
    """A piece of a tool's call on its way: which call of the answer (from 0), what comes to its name and arguments."""

    index: int
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of an answer on its way: of its text, or of a call."""

    text: str
    call: CallPiece | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One deployment that was asked: its name, how long it took, and the code of the error where it failed."""

    deployment: str
    seconds: float
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """A finished answer. ``model`` is who really answered; ``note`` says so where that is not who was asked.

    ``attempts`` tell the way it took, by ``route`` where a route was named. With a schema, ``value`` is it, read.
    ``is_cached`` where it was given before: its usage is nothing then, and ``saved_usd`` what it had cost.
    """

    text: str
    model: str
    usage: Usage = field(default_factory=Usage)
    citations: Sequence[JsonObject] = ()
    note: str | None = None
    calls: Sequence[ToolCall] = ()
    finish_reason: FinishReason = "stop"
    value: JsonValue = None
    route: str | None = None
    attempts: Sequence[Attempt] = ()
    is_cached: bool = False
    saved_usd: Decimal = Decimal(0)


class ChatModel(Protocol):
    """The port every model adapter keeps."""

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | ChatAnswer, None]:
        """Yield deltas, then exactly one ChatAnswer; closing it hangs up. Raises CodexosError kinds."""
        ...

    def input_budget(self, model: str) -> int:
        """Return about how many characters whoever answers for ``model`` takes beside the answer it is to give."""
        ...
