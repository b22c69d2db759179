# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Any server that speaks OpenAI's chat completions: OpenAI itself, vLLM, llama.cpp, Ollama and their like."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import replace

from codexos.kernel.chat import ChatAnswer, ChatRequest, Delta, Usage
from codexos.kernel.errors import CodexosError
from codexos.kernel.http import EgressPolicy, HttpClient, HttpLimits, HttpStream, ResponseTooLarge, Unreachable
from llm.adapters.clients import lent_client
from llm.adapters.refusals import refusal_from
from llm.engine.bodies import left_out_of, request_body
from llm.engine.catalog import characters_in, is_reasoning
from llm.engine.completions import AnswerEndless, ChunkUnreadable, Completion, StreamError
from llm.engine.dialects import chat_url, in_dialect, key_headers
from llm.engine.prompting import citations_in
from llm.errors import ModelAnswerInvalid, ModelAnswerTooLarge, ModelTimedOut, ModelUnavailable, ModelUnreachable
from llm.queries.deployments import Deployment

# A step ends by its own time limit, mostly earlier; a local model may think for minutes before its first word.
LIMITS = HttpLimits(
    total_seconds=3600.0, connect_seconds=10.0, idle_seconds=300.0, body_bytes=64 * 1024 * 1024, redirects=0
)
REFUSAL_BYTES = 64 * 1024
CHARACTERS_PER_TOKEN = 4
# The end of a stream comes with its last event; who keeps it open is hung up on.
READ_OUT_SECONDS = 0.25
AFTER_END_SECONDS = 2.0
"""After why it ended an answer still says what it used. Some servers then neither say that it is over nor hang up."""
# Finding quotes in more than this is done in a thread, out of the way of other runs.
SEARCHED_AT_ONCE_CHARACTERS = 20_000


class OpenAICompatibleModel:
    """Keeps the port ``ChatModel`` by one deployment."""

    def __init__(self, deployment: Deployment, *, policy: EgressPolicy) -> None:
        self._deployment = deployment
        self._policy = policy

    def input_budget(self, model: str) -> int:
        """See the port."""
        return characters_in(self._deployment.context_tokens)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | ChatAnswer, None]:
        """Yield the answer as it comes, then whole. Raises the errors of llm/errors.py, EgressRefused."""
        completion = Completion(self._deployment.model)
        with self._plain_errors():
            async with lent_client(self._policy) as client, self._asked(client, request) as answer:
                await self._check_begun(answer)
                async for piece in _until_said(answer.pieces, completion):
                    for delta in completion.hear(piece):
                        yield delta
                    if completion.is_done:
                        await _read_out(answer)
                        break
            for delta in completion.hear_last():
                yield delta
            self._check_ended(completion)
        left_out = left_out_of(request) if self._is_reasoning else ()
        yield await self._answer(request, completion, left_out=left_out)

    def _asked(self, client: HttpClient, request: ChatRequest) -> AbstractAsyncContextManager[HttpStream]:
        deployment = self._deployment
        body = request_body(request, model=deployment.model, is_reasoning=self._is_reasoning)
        return client.stream(
            "POST",
            chat_url(deployment.kind, deployment.base_url, model=deployment.model, options=deployment.options),
            headers={"Accept": "text/event-stream", **key_headers(deployment.kind, deployment.key)},
            json=in_dialect(deployment.kind, body),
            limits=limits_for(request.timeout_seconds),
        )

    @property
    def _is_reasoning(self) -> bool:
        is_of_openai = self._deployment.is_of_openai or self._deployment.kind == "azure"
        return is_of_openai and is_reasoning(self._deployment.model)

    async def _check_begun(self, answer: HttpStream) -> None:
        if answer.status != 200:
            raise refusal_from(
                self._deployment, status=answer.status, headers=answer.headers, body=await start_of(answer)
            )
        self._check_type(answer, "text/event-stream")

    def _check_type(self, answer: HttpStream, wanted: str) -> None:
        content_type = answer.headers.get("content-type", "")
        if not content_type.lower().startswith(wanted):
            raise self._invalid(f"it sent {content_type[:100]!r} instead of a stream of events")

    def _check_ended(self, completion: Completion) -> None:
        if completion.finish_reason is None and not completion.is_done:
            raise ModelUnreachable(
                f"{self._deployment.provider} broke off in the middle of its answer for model "
                f"{self._deployment.model!r}. Try again.",
                model=self._deployment.model,
            )

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        try:
            yield
        except ChunkUnreadable as error:
            raise self._invalid(f"a piece of its stream cannot be read, {error}") from None
        except StreamError as error:
            raise refusal_from(self._deployment, status=None, headers={}, body=error.body) from None
        except Unreachable as error:
            raise self._unreachable(error) from None
        except (ResponseTooLarge, AnswerEndless):
            model, provider = self._deployment.model, self._deployment.provider
            message = f"{provider} sent more than is taken for one answer of model {model!r}. Set max_tokens."
            raise ModelAnswerTooLarge(message, model=model) from None

    def _unreachable(self, error: Unreachable) -> ModelUnavailable:
        model, provider = self._deployment.model, self._deployment.provider
        if error.is_late:
            message = f"{provider} took too long over its answer for model {model!r}. Try again, or allow more time."
            return ModelTimedOut(message, model=model)
        because = error.details["because"]
        return ModelUnreachable(
            f"{provider} could not be reached for model {model!r}: {because}. Try again later.", model=model
        )

    def _invalid(self, because: str) -> CodexosError:
        return ModelAnswerInvalid(model=self._deployment.model, provider=self._deployment.provider, because=because)

    async def _answer(self, request: ChatRequest, completion: Completion, *, left_out: Sequence[str]) -> ChatAnswer:
        text = completion.text
        if sum(len(document.text) for document in request.citable) > SEARCHED_AT_ONCE_CHARACTERS:
            citations = await asyncio.to_thread(citations_in, text, request.citable)
        else:
            citations = citations_in(text, request.citable)
        usage, notes = self._usage(request, completion)
        notes = [*([completion.note] if completion.note else []), *notes, *self._told_of(left_out)]
        return ChatAnswer(
            text,
            completion.model,
            usage,
            citations,
            " ".join(notes) or None,
            calls=completion.calls,
            finish_reason=completion.ended,
        )

    def _told_of(self, left_out: Sequence[str]) -> Sequence[str]:
        was = "it was" if len(left_out) == 1 else "they were"
        named = " or ".join(left_out)
        return [f"Model {self._deployment.model!r} takes no {named}, so {was} left out."] if left_out else []

    def _usage(self, request: ChatRequest, completion: Completion) -> tuple[Usage, list[str]]:
        told, notes = (completion.input_tokens, completion.output_tokens), []
        if None in told:
            notes.append(f"{self._deployment.provider} did not say how many tokens it used; they are estimated.")
        counted_in = _estimate(*(m.text for m in request.messages), *(d.text for d in request.documents))
        tokens_in = counted_in if told[0] is None else told[0]
        tokens_out = _estimate(completion.text) if told[1] is None else told[1]
        cached, written = completion.cached_tokens, completion.cache_write_tokens
        return Usage(tokens_in, tokens_out, cached_tokens=cached, cache_write_tokens=written), notes


def limits_for(timeout_seconds: float | None) -> HttpLimits:
    """How long and how much one answer may take."""
    if timeout_seconds is None:
        return LIMITS
    return replace(LIMITS, total_seconds=min(timeout_seconds, LIMITS.total_seconds))


async def _until_said(pieces: AsyncIterator[bytes], completion: Completion) -> AsyncIterator[bytes]:
    """Pass pieces on; once the answer says why it ended, wait for what may follow it only for a moment."""
    deadline: float | None = None
    while True:
        try:
            if completion.finish_reason is None:
                piece = await anext(pieces)
            else:
                deadline = deadline or asyncio.get_running_loop().time() + AFTER_END_SECONDS
                async with asyncio.timeout_at(deadline):
                    piece = await anext(pieces)
        except (StopAsyncIteration, TimeoutError):
            return
        yield piece


async def _read_out(answer: HttpStream) -> None:
    """Read to the end of an answer that is whole: a connection that was read out serves the next one, too."""
    with suppress(TimeoutError, Unreachable, ResponseTooLarge):
        async with asyncio.timeout(READ_OUT_SECONDS):
            async for _ in answer.pieces:
                pass


async def start_of(answer: HttpStream) -> bytes:
    """Read of a refusal as much as anybody looks at."""
    body = b""
    async for piece in answer.chunks():
        body += piece
        if len(body) > REFUSAL_BYTES:
            break
    return body[:REFUSAL_BYTES]


def _estimate(*texts: str) -> int:
    return sum(-(-len(text.encode("utf-8", "replace")) // CHARACTERS_PER_TOKEN) for text in texts)
