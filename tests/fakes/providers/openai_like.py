# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""OpenAI, and those who speak its protocol: each with the differences that the real one shows."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.providers.server import KEY, Asked, FakeProvider, Script, need, only, text_of

_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "model": str,
    "messages": list,
    "stream": bool,
    "stream_options": dict,
    "temperature": (int, float),
    "top_p": (int, float),
    "max_tokens": int,
    "max_completion_tokens": int,
    "seed": int,
    "stop": list,
    "tools": list,
    "tool_choice": str,
    "response_format": dict,
}
_FINISH = {"stop": "stop", "length": "length", "filter": "content_filter"}


@dataclass
class OpenAILike(FakeProvider):
    """The protocol as OpenAI speaks it."""

    path = "/v1/chat/completions"
    fields = _FIELDS
    id_of_calls = "call_{}"

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def check(self, asked: Asked) -> None:
        need(asked.path == self.path, f"Invalid URL (POST {asked.path})", 404)
        self.check_key(asked)
        need(asked.headers.get("content-type") == "application/json", "Send JSON.")
        only(asked.body, self.fields, needed=("model", "messages", "stream"))
        self.check_extras(asked.body)
        need(asked.body["model"] == self.model, f"The model `{asked.body['model']}` does not exist.", 404)
        need(asked.body["messages"], "Invalid 'messages': empty array.")
        for message in asked.body["messages"]:
            self.check_message(message)
        for tool in asked.body.get("tools", []):
            need(tool["type"] == "function" and _TOOL_NAME.fullmatch(tool["function"]["name"]), "Invalid tool.")

    def check_key(self, asked: Asked) -> None:
        shown = asked.headers.get("authorization")
        need(shown == f"Bearer {KEY}", f"Incorrect API key provided: {shown}.", 401)

    def check_extras(self, body: Mapping[str, Any]) -> None:
        need(body.get("stream_options") == {"include_usage": True}, "Ask for the usage.")

    def check_message(self, message: Mapping[str, Any]) -> None:
        allowed = {
            "system": {"role", "content"},
            "user": {"role", "content"},
            "assistant": {"role", "content", "tool_calls"},
            "tool": {"role", "content", "tool_call_id"},
        }
        need(set(message) <= allowed.get(message["role"], set()), f"Invalid message: {sorted(message)}")
        for call in message.get("tool_calls", []):
            need(set(call) == {"id", "type", "function"}, "Invalid call.")
            need(isinstance(call["function"]["arguments"], str), "Arguments are text.")

    def usage(self, script: Script) -> dict[str, Any]:
        told_in, told_out = script.usage
        details = {"prompt_tokens_details": {"cached_tokens": script.cached}}
        tokens = {"prompt_tokens": told_in, "completion_tokens": told_out, "total_tokens": told_in + told_out}
        return tokens | (details if script.cached else {})

    def frames(self, script: Script, asked: Asked) -> Iterator[bytes]:
        yield self.chunk([_choice({"role": "assistant", "content": ""})])
        if script.thought:
            yield self.chunk([_choice(self.thinking(script.thought))])
        for word in script.words:
            yield self.chunk([_choice({"content": word})])
        yield from (self.chunk([_choice({"tool_calls": [piece]})]) for piece in self.calls(script))
        finish = "tool_calls" if script.calls else _FINISH[script.finish]
        yield from self.ending(script, finish)
        yield b"data: [DONE]\n\n"

    def thinking(self, thought: str) -> dict[str, Any]:
        return {"content": None, "reasoning_content": thought}

    def calls(self, script: Script) -> Iterator[dict[str, Any]]:
        for at, (name, _) in enumerate(script.calls):
            function = {"name": name, "arguments": ""}
            yield {"index": at, "id": self.id_of_calls.format(at), "type": "function", "function": function}
        # In turn with each other's, as nobody should rely on one call to be whole before the next begins.
        for turn in range(max((len(pieces) for _, pieces in script.calls), default=0)):
            for at, (_, pieces) in enumerate(script.calls):
                if turn < len(pieces):
                    yield {"index": at, "function": {"arguments": pieces[turn]}}

    def ending(self, script: Script, finish: str) -> Iterator[bytes]:
        yield self.chunk([_choice({}, finish)])
        yield self.chunk([], usage=self.usage(script))

    def chunk(self, choices: list[Any], **more: Any) -> bytes:
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": self.model}
        return b"data: " + text_of({**head, "choices": choices, **more}) + b"\n\n"

    def refusal(self, status: int, message: str) -> tuple[Mapping[str, str], Any]:
        kind = {401: "invalid_request_error", 429: "requests", 500: "server_error"}.get(status, "invalid_request_error")
        code = {401: "invalid_api_key", 429: "rate_limit_exceeded", 404: "model_not_found"}.get(status)
        return {}, {"error": {"message": message, "type": kind, "param": None, "code": code}}

    def failure(self) -> bytes:
        return b"data: " + text_of({"error": {"message": "Overloaded", "type": "overloaded", "code": None}}) + b"\n\n"

    def said(self, asked: Asked) -> Mapping[str, Any]:
        body = asked.body
        wanted = body.get("response_format", {}).get("json_schema", {}).get("schema")
        found = {
            "temperature": body.get("temperature"),
            "top_p": body.get("top_p"),
            "max_tokens": body.get("max_tokens"),
            "stop": body.get("stop"),
            "seed": body.get("seed", body.get("random_seed")),
            "tools": [tool["function"]["name"] for tool in body.get("tools", [])],
            "must_call": body.get("tool_choice") in {"required", "any"},
            "schema": wanted,
            "images": [_picture(part) for part in _parts(body) if part["type"] == "image_url"],
            "results": [m["content"] for m in body["messages"] if m["role"] == "tool"],
            "calls": [
                (call["function"]["name"], json.loads(call["function"]["arguments"]))
                for m in body["messages"]
                for call in m.get("tool_calls", [])
            ],
            "text": "\n".join(part.get("text", "") for part in _parts(body)),
        }
        return {name: value for name, value in found.items() if value not in (None, [], False)}


def _choice(delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": finish}


def _parts(body: Mapping[str, Any]) -> list[Any]:
    told = [message["content"] for message in body["messages"]]
    whole = [content if isinstance(content, list) else [{"type": "text", "text": content or ""}] for content in told]
    return [part for parts in whole for part in parts]


def _picture(part: Mapping[str, Any]) -> tuple[str, bytes]:
    head, _, data = part["image_url"]["url"].partition(";base64,")
    return head.removeprefix("data:"), base64.b64decode(data)


@dataclass
class FakeOpenAI(OpenAILike):
    """OpenAI."""

    kind, model = "openai", "gpt-4o"


@dataclass
class FakeAzure(OpenAILike):
    """Azure OpenAI: the deployment is in the address, the key has a header of its own."""

    kind, model = "azure", "our-gpt_4.1"
    options: Mapping[str, str] = field(default_factory=lambda: {"api_version": "2024-10-21"})
    path = "/openai/deployments/our-gpt_4.1/chat/completions?api-version=2024-10-21"

    @property
    def base_url(self) -> str:
        return self.url

    def check_key(self, asked: Asked) -> None:
        need("authorization" not in asked.headers and asked.headers.get("api-key") == KEY, "Access denied.", 401)

    def frames(self, script: Script, asked: Asked) -> Iterator[bytes]:
        # What its filters found stands before the first word, in a chunk without choices.
        yield self.chunk([], prompt_filter_results=[{"prompt_index": 0, "content_filter_results": {}}])
        yield from super().frames(script, asked)

    def refusal(self, status: int, message: str) -> tuple[Mapping[str, str], Any]:
        code = {404: "DeploymentNotFound", 401: "401", 429: "429"}.get(status, str(status))
        return {}, {"error": {"code": code, "message": message}}


@dataclass
class FakeMistral(OpenAILike):
    """Mistral: other words for some settings, none it does not know, short ids of calls, usage without being asked."""

    kind, model = "mistral", "mistral-large-latest"
    id_of_calls = "Ab3dEf7h{}"
    fields = {name: kind for name, kind in _FIELDS.items() if name not in {"seed", "stream_options"}} | {
        "random_seed": int
    }

    def check_extras(self, body: Mapping[str, Any]) -> None:
        need(body.get("tool_choice", "auto") in {"auto", "any", "none"}, "tool_choice: Input should be 'any'.", 422)

    def check_message(self, message: Mapping[str, Any]) -> None:
        super().check_message(message)
        for known in [message.get("tool_call_id"), *(call["id"] for call in message.get("tool_calls", []))]:
            need(known is None or re.fullmatch("[a-zA-Z0-9]{9}", known), f"Tool call id was {known}", 422)

    def thinking(self, thought: str) -> dict[str, Any]:
        return {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": thought}]}]}

    def ending(self, script: Script, finish: str) -> Iterator[bytes]:
        yield self.chunk([_choice({"content": ""}, finish)], usage=self.usage(script))

    def calls(self, script: Script) -> Iterator[dict[str, Any]]:
        for at, (name, pieces) in enumerate(script.calls):
            function = {"name": name, "arguments": "".join(pieces)}
            yield {"index": at, "id": self.id_of_calls.format(at), "function": function}

    def refusal(self, status: int, message: str) -> tuple[Mapping[str, str], Any]:
        if status == 401:
            return {}, {"detail": "Unauthorized"}
        if status == 422:
            fault = {"type": "extra_forbidden", "loc": ["body", "seed"], "msg": message, "input": 7}
            faults = {"detail": [fault]}
            return {}, {"object": "error", "message": faults, "type": "invalid_request_error", "code": None}
        code = {429: "1300", 404: "1500"}.get(status)
        return {}, {"object": "error", "message": message, "type": "rate_limited", "param": None, "code": code}

    pieces_arguments = False


@dataclass
class FakeOpenRouter(OpenAILike):
    """OpenRouter: comments while it looks for somebody, and errors of others as its own."""

    kind, model = "openrouter", "meta-llama/llama-3.3-70b-instruct"
    path = "/api/v1/chat/completions"

    @property
    def base_url(self) -> str:
        return f"{self.url}/api/v1"

    def frames(self, script: Script, asked: Asked) -> Iterator[bytes]:
        yield b": OPENROUTER PROCESSING\n\n"
        yield from super().frames(script, asked)

    def thinking(self, thought: str) -> dict[str, Any]:
        return {"content": "", "reasoning": thought, "reasoning_details": [{"type": "reasoning.text", "text": thought}]}

    def usage(self, script: Script) -> dict[str, Any]:
        return super().usage(script) | {"cost": 0.00014, "is_byok": False}

    def refusal(self, status: int, message: str) -> tuple[Mapping[str, str], Any]:
        return {}, {"error": {"code": status, "message": message, "metadata": {}}, "user_id": "user_1"}

    def failure(self) -> bytes:
        error = {"code": 503, "message": "Provider is overloaded"}
        return self.chunk([_choice({"content": ""}, "error")], error=error)


@dataclass
class FakeOllama(OpenAILike):
    """Ollama: no key, calls whole, and all of them with the index 0."""

    kind, model = "ollama", "qwen3:8b"
    pieces_arguments = False

    def check_key(self, asked: Asked) -> None:
        """Whoever reaches it may ask it."""

    def thinking(self, thought: str) -> dict[str, Any]:
        return {"role": "assistant", "content": "", "reasoning": thought}

    def calls(self, script: Script) -> Iterator[dict[str, Any]]:
        for at, (name, pieces) in enumerate(script.calls):
            function = {"name": name, "arguments": "".join(pieces)}
            yield {"index": 0, "id": self.id_of_calls.format(at), "type": "function", "function": function}

    def refusal(self, status: int, message: str) -> tuple[Mapping[str, str], Any]:
        return {}, {"error": {"message": message, "type": "api_error", "param": None, "code": None}}


@dataclass
class FakeLlamaCpp(OpenAILike):
    """The server of llama.cpp: it answers for whatever name, tells timings, and numbers its errors."""

    kind, model = "llamacpp", "gpt-oss-20b"

    def ending(self, script: Script, finish: str) -> Iterator[bytes]:
        yield self.chunk([_choice({}, finish)])
        yield self.chunk([], usage=self.usage(script), timings={"prompt_n": 1, "predicted_per_second": 41.5})

    def refusal(self, status: int, message: str) -> tuple[Mapping[str, str], Any]:
        kind = {401: "authentication_error", 503: "unavailable_error", 404: "not_found_error"}
        return {}, {"error": {"code": status, "message": message, "type": kind.get(status, "server_error")}}

    def failure(self) -> bytes:
        error = {"code": 503, "message": "Slot is overloaded", "type": "unavailable_error"}
        return b"data: " + text_of({"error": error}) + b"\n\n"


@dataclass
class FakeVllm(OpenAILike):
    """vLLM: a usage in every chunk that is null but for the last, and plain words for a wrong key."""

    kind, model = "vllm", "Qwen/Qwen3-8B"

    def chunk(self, choices: list[Any], **more: Any) -> bytes:
        return super().chunk(choices, **({"usage": None} | more))

    def refusal(self, status: int, message: str) -> tuple[Mapping[str, str], Any]:
        if status == 401:
            return {}, {"error": "Unauthorized"}
        kind = {404: "NotFoundError", 400: "BadRequestError"}.get(status, "InternalServerError")
        return {}, {"object": "error", "message": message, "type": kind, "param": None, "code": status}

    def failure(self) -> bytes:
        error = {"message": "EngineCore is overloaded", "type": "InternalServerError", "code": 500}
        return b"data: " + text_of({"error": error}) + b"\n\n"
