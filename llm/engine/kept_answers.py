# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What makes two requests the same, and an answer as it is kept."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

from codexos.kernel.chat import ChatAnswer, ChatRequest, Message, ToolCall
from codexos.kernel.jsontypes import JsonObject

LARGEST_ANSWER = 1_000_000
FORM = "1"
"""Of keys and kept answers: another one makes all that was kept unreachable."""
# Who asks, by which step, and how long it may take change no answer.
_BESIDE = frozenset({"caches", "may_wait", "timeout_seconds", "conversation", "step", "key", "messages", "task"})


def key_of(request: ChatRequest, *, resolved: str) -> str:
    """Return the hash of all that matters for the answer; ``resolved`` is who answers for the name."""
    told = {name: _plain(getattr(request, name)) for name in request.__dataclass_fields__ if name not in _BESIDE}
    told["messages"] = [_message(message) for message in request.messages]
    told["task"] = _plain(request.task) if request.task is None else [type(request.task).__name__, _plain(request.task)]
    written = json.dumps([FORM, resolved, told], sort_keys=True, default=str)
    return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()


def answer_data(answer: ChatAnswer) -> tuple[JsonObject, int]:
    """Return an answer as it is kept, and how many bytes it has."""
    data: dict[str, Any] = {
        "text": _storable(answer.text),
        "model": answer.model,
        "citations": list(answer.citations),
        "note": answer.note,
        "calls": [asdict(call) for call in answer.calls],
        "finish_reason": answer.finish_reason,
        "value": answer.value,
        "route": answer.route,
    }
    return data, len(json.dumps(data))


def answer_from(data: Mapping[str, Any]) -> ChatAnswer:
    """Read what ``answer_data`` wrote."""
    calls = [ToolCall(**call) for call in data["calls"]]
    return ChatAnswer(**{**data, "calls": calls})


def _message(message: Message) -> Any:
    images = [[image.media_type, hashlib.sha256(image.content).hexdigest()] for image in message.images]
    return [message.role, str(message.text), images, [asdict(call) for call in message.calls], message.call_id]


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _storable(text: str) -> str:
    # PostgreSQL keeps no NUL and no half of a pair.
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
