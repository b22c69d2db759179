# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is told of model calls to whoever watches the installation: names and values, by OpenTelemetry's conventions.

The names are those of its GenAI conventions; what they have none for begins with ``codexos.``. A number that is added
up stands on one span only: tokens and costs of a call on its attempt, the sums of an answer under names of their own.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from codexos.kernel.chat import ChatAnswer, ChatRequest, Message, Usage
from codexos.kernel.embeddings import Embedded

Value = str | bool | int | float | Sequence[str]
Attributes = dict[str, Value]
Redact = Callable[[str], str]

HOUSE = "codexos"
"""Who answers, as far as whoever asked for a route is concerned."""
MOST_CONTENT_CHARACTERS = 32_000
_PROVIDER_NAMES = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
}
_FINISHED = {"tool_calls": "tool_call"}


@dataclass(frozen=True, slots=True)
class Past:
    """A span of what was over when it was told."""

    name: str
    attributes: Attributes
    span_id: bytes
    parent_id: bytes
    began_ns: int
    ended_ns: int
    error: str | None = None


def span_id_of(run_id: UUID, key: str = "") -> bytes:
    """Name the span of a run, or of one of its steps: the same in every process, long before it is told."""
    return hashlib.blake2b(run_id.bytes + key.encode("utf-8", "replace"), digest_size=8).digest()


def nanoseconds(at: datetime) -> int:
    """Say a moment as spans do."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1_000


def provider_name(kind: str) -> str:
    """Return a kind of provider as the conventions call it; those they do not know keep our name."""
    return _PROVIDER_NAMES.get(kind, kind)


def of_request(request: ChatRequest, *, model: str) -> Attributes:
    """Say what is asked, without its content."""
    told: dict[str, Value | None] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": model,
        "gen_ai.request.stream": True,
        "gen_ai.request.temperature": request.temperature,
        "gen_ai.request.top_p": request.top_p,
        "gen_ai.request.max_tokens": request.max_tokens,
        "gen_ai.request.seed": request.seed,
        "gen_ai.output.type": "text" if request.schema is None else "json",
        "gen_ai.conversation.id": request.conversation or None,
        "codexos.can_wait": request.may_wait or None,
    }
    return {name: value for name, value in told.items() if value is not None}


def of_answer(answer: ChatAnswer) -> Attributes:
    """Say what came back, without its content and what it cost."""
    told: Attributes = {"gen_ai.response.model": answer.model, "gen_ai.response.finish_reasons": [answer.finish_reason]}
    if answer.route:
        told["codexos.route"] = answer.route
    return told


def of_usage(usage: Usage) -> Attributes:
    """Say what one call used and cost."""
    told: Attributes = {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "codexos.cost_usd": float(usage.cost_usd),
    }
    if usage.cached_tokens:
        told["gen_ai.usage.cache_read.input_tokens"] = usage.cached_tokens
    if usage.cache_write_tokens:
        told["gen_ai.usage.cache_creation.input_tokens"] = usage.cache_write_tokens
    return told


def of_total(answer: ChatAnswer, *, attempts: int) -> Attributes:
    """Say what an answer came to with all its attempts, and whether it was one that had been given before."""
    usage = answer.usage
    told: Attributes = {
        "codexos.attempts": attempts,
        "codexos.cache_hit": answer.is_cached,
        "codexos.total.input_tokens": usage.input_tokens,
        "codexos.total.output_tokens": usage.output_tokens,
        "codexos.total.cached_tokens": usage.cached_tokens,
        "codexos.total.cost_usd": float(usage.cost_usd),
    }
    return told | ({"codexos.saved_usd": float(answer.saved_usd)} if answer.is_cached else {})


def of_question(request: ChatRequest, *, redact: Redact) -> Attributes:
    """Say the words that were asked, as far as there is room for them. Only where an operator wants content told."""
    messages = [_message(each, redact) for each in request.messages]
    return {"gen_ai.input.messages": _fitting(messages)}


def of_words(answer: ChatAnswer, *, redact: Redact) -> Attributes:
    """Say the words that were answered."""
    said = _message(Message("assistant", answer.text, calls=answer.calls), redact)
    finish = _FINISHED.get(answer.finish_reason, answer.finish_reason)
    return {"gen_ai.output.messages": _fitting([said | {"finish_reason": finish}])}


def of_embedding(model: str, *, kind: str | None, texts: int) -> Attributes:
    """Say what is to be embedded; without a kind of provider the embedded model does it."""
    return {
        "gen_ai.operation.name": "embeddings",
        "gen_ai.provider.name": HOUSE if kind is None else provider_name(kind),
        "gen_ai.request.model": model,
        "codexos.texts": texts,
    }


def of_embedded(embedded: Embedded) -> Attributes:
    """Say what that took."""
    return {
        "gen_ai.response.model": embedded.model,
        "gen_ai.usage.input_tokens": embedded.usage.input_tokens,
        "codexos.cost_usd": float(embedded.usage.cost_usd),
        "codexos.cached_texts": embedded.cached,
    }


def _message(message: Message, redact: Redact) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    if message.role == "tool":
        parts.append({"type": "tool_call_response", "id": message.call_id, "response": redact(message.text)})
    elif message.text:
        parts.append({"type": "text", "content": redact(message.text)})
    parts += [
        {"type": "tool_call", "id": call.id, "name": call.name, "arguments": redact(call.arguments)}
        for call in message.calls
    ]
    # Never the bytes of a picture, only that there was one.
    parts += [{"type": "blob", "modality": "image", "mime_type": image.media_type} for image in message.images]
    return {"role": message.role, "parts": parts}


def _fitting(messages: Sequence[Mapping[str, Any]]) -> str:
    """Write messages as JSON that can be read again; what is too long is left out and said to be."""
    left = MOST_CONTENT_CHARACTERS
    kept: list[Mapping[str, Any]] = []
    for message in messages:
        parts = []
        for part in message["parts"]:
            cut = {name: value[:left] if name in _LONG else value for name, value in part.items()}
            left -= sum(len(cut[name]) for name in _LONG if name in cut)
            parts.append(cut if cut == part else cut | {"is_cut": True})
        kept.append({**message, "parts": parts})
    return json.dumps(kept, ensure_ascii=False)


_LONG = ("content", "response", "arguments")
