# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A provider that speaks OpenAI's chat completions over real HTTP, and refuses what the real one refuses."""

import json
import re
import select
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-canary-7f3d9a1c5e8b2460"

_FIELDS = {
    "model": str,
    "messages": list,
    "stream": bool,
    "stream_options": dict,
    "temperature": (int, float),
    "max_tokens": int,
    "max_completion_tokens": int,
    "top_p": (int, float),
    "seed": int,
    "stop": list,
    "tools": list,
    "tool_choice": str,
    "response_format": dict,
}
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ROLES = {"system", "user", "assistant", "tool"}


@dataclass
class Script:
    """What the provider does with the next request."""

    words: tuple[str, ...] = ("The lamp ", "was lit ", "in 1871.")
    calls: tuple[tuple[str, str, str], ...] = ()
    """Tools it asks for after its words: id, name and arguments, which come in pieces, in turn with the others'."""
    usage: tuple[int, int] | None = (42, 7)
    cached: int = 0
    finish: str | None = "stop"
    status: int = 200
    error: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "text/event-stream; charset=utf-8"
    raw: tuple[bytes, ...] = ()
    breaks_off: bool = False
    never_ends: bool = False
    """After its words it goes on with empty chunks until the other side hangs up."""
    lingers: bool = False
    """Its answer is whole, and it neither says so nor closes."""
    never_begins: bool = False
    """It takes the question and says nothing until the other side hangs up."""
    closes_after: bytes | None = None
    """Instead of all else it sends these bytes, which may be no HTTP at all, and closes."""


@dataclass
class Provider:
    """What is served to whom, and what was asked."""

    url: str = ""
    key: str = KEY
    models: tuple[str, ...] = ("gpt-4o", "gpt-4", "o3-mini", "llama3:8b")
    context_tokens: int = 128_000
    scripts: list[Script] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    """The port of the other side, for each question: which connection it came over."""
    has_begun: threading.Event = field(default_factory=threading.Event)
    hung_up: threading.Event = field(default_factory=threading.Event)

    def will(self, **script: Any) -> "Provider":
        """Say what happens to the next request that is right."""
        self.scripts.append(Script(**script))
        return self


@contextmanager
def serve_provider(**options: Any) -> Iterator[Provider]:
    """Serve on a free port of this machine."""
    provider = Provider(**options)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"provider": provider}))
    server.daemon_threads = True
    provider.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()


class _Refused(Exception):
    def __init__(self, status: int, code: str | None, message: str, kind: str = "invalid_request_error") -> None:
        self.status = status
        self.body = {"error": {"message": message, "type": kind, "param": None, "code": code}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    provider: Provider

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.provider.addresses.append(self.path)
        self.provider.lines.append(self.client_address[1])
        try:
            asked = self._checked(body)
        except _Refused as refused:
            self._send_json(refused.status, refused.body)
            return
        self.provider.asked.append(asked)
        script = self.provider.scripts.pop(0) if self.provider.scripts else Script()
        try:
            self._play(script, asked)
        except OSError:
            self.provider.hung_up.set()
            self.close_connection = True

    def _checked(self, body: bytes) -> dict[str, Any]:
        if self.path != "/v1/chat/completions":
            raise _Refused(404, None, f"Unknown request URL: POST {self.path}.")
        if self.provider.key and self.headers.get("Authorization") != f"Bearer {self.provider.key}":
            # The real one masks the middle of the key; this one repeats all of it, which must not matter.
            message = f"Incorrect API key provided: {self.headers.get('Authorization')}."
            raise _Refused(401, "invalid_api_key", message)
        if self.headers.get("Content-Type") != "application/json":
            raise _Refused(400, None, "Send JSON.")
        asked = json.loads(body)
        _check_fields(asked)
        _check_messages(asked["messages"])
        _check_limits(asked)
        _check_offers(asked)
        self._check_model(asked)
        return asked

    def _check_model(self, asked: dict[str, Any]) -> None:
        if asked["model"] not in self.provider.models:
            message = f"The model `{asked['model']}` does not exist or you do not have access to it."
            raise _Refused(404, "model_not_found", message)
        tokens = sum(len(message["content"] or "") for message in asked["messages"]) // 4
        if tokens > self.provider.context_tokens:
            most = self.provider.context_tokens
            message = f"This model's maximum context length is {most} tokens, your messages have {tokens} tokens."
            raise _Refused(400, "context_length_exceeded", message)

    def _play(self, script: Script, asked: dict[str, Any]) -> None:
        if script.closes_after is not None:
            self.wfile.write(script.closes_after)
            self.close_connection = True
            return
        while script.never_begins:
            self.provider.has_begun.set()
            if select.select([self.connection], [], [], 0.01)[0]:
                raise ConnectionResetError
        if script.status != 200:
            self._send_json(script.status, script.error, script.headers)
            return
        self.send_response(200)
        for name, value in {"Content-Type": script.content_type, "Transfer-Encoding": "chunked"}.items():
            self.send_header(name, value)
        self.end_headers()
        for raw in script.raw:
            self._send_piece(raw)
        self._say(script, asked["model"])
        if script.breaks_off:
            self.close_connection = True
            return
        self.wfile.write(b"0\r\n\r\n")

    def _say(self, script: Script, model: str) -> None:
        for index, word in enumerate(script.words):
            role = {"role": "assistant"} if index == 0 else {}
            self._send_chunk(model, [{"index": 0, "delta": {**role, "content": word}, "finish_reason": None}])
            self.provider.has_begun.set()
        self._ask_for(script.calls, model)
        if script.error is not None:
            self._send_event(json.dumps(script.error))
            return
        while script.never_ends:
            self._send_chunk(model, [{"index": 0, "delta": {}, "finish_reason": None}])
            # Readable means that the other side has closed: it has nothing more to say.
            if select.select([self.connection], [], [], 0.01)[0]:
                raise ConnectionResetError
        if script.breaks_off or script.finish is None:
            return
        self._send_chunk(model, [{"index": 0, "delta": {}, "finish_reason": script.finish}])
        if script.usage is not None:
            told_in, told_out = script.usage
            usage = {"prompt_tokens": told_in, "completion_tokens": told_out, "total_tokens": told_in + told_out}
            usage["prompt_tokens_details"] = {"cached_tokens": script.cached}
            self._send_chunk(model, [], usage=usage)
        if script.lingers:
            select.select([self.connection], [], [], 60)
            raise ConnectionResetError
        self._send_event("[DONE]")

    def _ask_for(self, calls: tuple[tuple[str, str, str], ...], model: str) -> None:
        for index, (call_id, name, _) in enumerate(calls):
            begun = {"index": index, "id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
            self._send_chunk(model, [{"index": 0, "delta": {"tool_calls": [begun]}, "finish_reason": None}])
        halves = [(index, half) for half in (slice(0, 5), slice(5, None)) for index in range(len(calls))]
        for index, half in halves:
            piece = {"index": index, "function": {"arguments": calls[index][2][half]}}
            self._send_chunk(model, [{"index": 0, "delta": {"tool_calls": [piece]}, "finish_reason": None}])

    def _send_chunk(self, model: str, choices: list[Any], usage: Any = None) -> None:
        chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": f"{model}-0613"}
        self._send_event(json.dumps({**chunk, "choices": choices, "usage": usage}))

    def _send_event(self, data: str) -> None:
        self._send_piece(f"data: {data}\n\n".encode())

    def _send_piece(self, piece: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.flush()

    def _send_json(self, status: int, document: Any, headers: Mapping[str, str] = {}) -> None:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _check_fields(asked: dict[str, Any]) -> None:
    for name, value in asked.items():
        if name not in _FIELDS:
            raise _Refused(400, "unknown_parameter", f"Unknown parameter: '{name}'.")
        if not isinstance(value, _FIELDS[name]) or (isinstance(value, bool) and name != "stream"):
            raise _Refused(400, "invalid_type", f"Invalid type for '{name}'.")
    for name in ("model", "messages"):
        if name not in asked:
            raise _Refused(400, "missing_required_parameter", f"Missing required parameter: '{name}'.")
    if asked.get("stream_options") != {"include_usage": True} or asked.get("stream") is not True:
        raise _Refused(400, None, "This provider is asked for a stream with its usage.")


def _check_messages(messages: list[Any]) -> None:
    if not messages:
        raise _Refused(400, "empty_array", "Invalid 'messages': empty array.")
    open_calls: set[str] = set()
    for message in messages:
        if message.get("role") == "tool":
            if message.get("tool_call_id") not in open_calls:
                raise _Refused(400, "invalid_value", "A tool message must answer a preceding call of a tool.")
            open_calls.remove(message["tool_call_id"])
        elif open_calls:
            raise _Refused(400, "invalid_value", f"These calls were not answered: {sorted(open_calls)}.")
        elif "tool_calls" in message:
            open_calls = {_call_id(call) for call in message["tool_calls"]}
        _check_message(message)


def _check_message(message: dict[str, Any]) -> None:
    extra = {"tool_call_id"} if message.get("role") == "tool" else set(message) & {"tool_calls"}
    content = message.get("content")
    is_right = set(message) == {"role", "content"} | extra and message["role"] in _ROLES
    if extra == {"tool_calls"}:
        is_right = is_right and message["role"] == "assistant" and isinstance(content, str | None)
    elif isinstance(content, list):
        is_right = is_right and message["role"] == "user" and all(_is_part(part) for part in content)
    else:
        is_right = is_right and isinstance(content, str)
    if not is_right:
        raise _Refused(400, "invalid_value", f"Invalid message: {sorted(message)}.")


def _is_part(part: dict[str, Any]) -> bool:
    if part["type"] == "text":
        return set(part) == {"type", "text"} and bool(part["text"])
    return set(part) == {"type", "image_url"} and part["image_url"]["url"].startswith("data:image/")


def _call_id(call: dict[str, Any]) -> str:
    if set(call) != {"id", "type", "function"} or set(call["function"]) != {"name", "arguments"}:
        raise _Refused(400, "invalid_value", "Invalid call of a tool.")
    if call["type"] != "function" or not isinstance(call["function"]["arguments"], str):
        raise _Refused(400, "invalid_type", "The arguments of a call are text.")
    return str(call["id"])


def _check_offers(asked: dict[str, Any]) -> None:
    for tool in asked.get("tools", []):
        if set(tool) != {"type", "function"} or set(tool["function"]) != {"name", "description", "parameters"}:
            raise _Refused(400, "invalid_value", "Invalid tool.")
        if not _TOOL_NAME.fullmatch(tool["function"]["name"]):
            raise _Refused(400, "invalid_value", "Invalid name of a tool.")
    if "tool_choice" in asked and not asked.get("tools"):
        raise _Refused(400, "invalid_value", "'tool_choice' is only allowed when 'tools' are specified.")
    wanted = asked.get("response_format", {"type": "text"})
    if wanted["type"] == "json_schema" and not {"name", "schema"} <= wanted["json_schema"].keys():
        raise _Refused(400, "invalid_value", "Invalid response_format.")
    if len(asked.get("stop", [])) > 4:
        raise _Refused(400, "array_above_max_length", "Invalid 'stop': array too long.")


def _check_limits(asked: dict[str, Any]) -> None:
    if {"max_tokens", "max_completion_tokens"} <= asked.keys():
        raise _Refused(400, "invalid_parameter_combination", "Setting both limits is not supported.")
    refused = {"max_tokens", "temperature", "top_p", "stop"} & asked.keys() if asked["model"].startswith("o") else set()
    if refused:
        raise _Refused(400, "unsupported_parameter", f"Unsupported parameter: '{min(refused)}' with this model.")
