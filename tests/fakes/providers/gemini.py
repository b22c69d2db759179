# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Google's Gemini: contents of parts, calls that come whole, and a wrong key that is told as a wrong request."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.providers.server import KEY, Asked, FakeProvider, Script, need, only, text_of

_FIELDS: dict[str, type | tuple[type, ...]] = {
    "contents": list,
    "systemInstruction": dict,
    "tools": list,
    "toolConfig": dict,
    "generationConfig": dict,
    "safetySettings": list,
}
_CONFIG: dict[str, type | tuple[type, ...]] = {
    "temperature": (int, float),
    "topP": (int, float),
    "maxOutputTokens": int,
    "stopSequences": list,
    "seed": int,
    "responseMimeType": str,
    "responseSchema": dict,
    "responseJsonSchema": dict,
}
_PARTS = {"text", "inlineData", "functionCall", "functionResponse", "thoughtSignature"}
_OWN = {"args", "parameters", "responseJsonSchema"}
_STATUS = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
_FINISH = {"stop": "STOP", "length": "MAX_TOKENS", "filter": "SAFETY"}


@dataclass
class FakeGemini(FakeProvider):
    """Gemini."""

    kind, model = "gemini", "gemini-2.5-flash"
    pieces_arguments = False

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1beta"

    def check(self, asked: Asked) -> None:
        need(asked.path == f"/v1beta/models/{self.model}:streamGenerateContent?alt=sse", "Not Found", 404)
        need("authorization" not in asked.headers, "Request had invalid authentication credentials.", 401)
        # Read as 401 by refusal below, which writes it as the real one does.
        need(asked.headers.get("x-goog-api-key") == KEY, "API key not valid. Please pass a valid API key.", 401)
        body = camel(asked.body)
        only(body, _FIELDS, needed=("contents",))
        only(body.get("generationConfig", {}), _CONFIG)
        need(
            not (body.get("tools") and body.get("generationConfig", {}).get("responseMimeType")),
            "Function calling with a response mime type: 'application/json' is unsupported",
        )
        for content in body["contents"]:
            need(content["role"] in {"user", "model"}, "Please use a valid role: user, model.")
            for part in content["parts"]:
                need(set(part) <= _PARTS, f"Unknown name: {sorted(part)}")

    def frames(self, script: Script, asked: Asked) -> Iterator[bytes]:
        told_in, told_out = script.usage
        usage = {"promptTokenCount": told_in, "totalTokenCount": told_in}
        if script.thought:
            yield self._chunk([{"text": script.thought, "thought": True}], usage)
        for word in script.words:
            yield self._chunk([{"text": word}], usage)
        calls = [{"functionCall": {"name": name, "args": read("".join(pieces))}} for name, pieces in script.calls]
        end = {"promptTokenCount": told_in, "candidatesTokenCount": told_out, "totalTokenCount": told_in + told_out}
        if script.cached:
            end["cachedContentTokenCount"] = script.cached
        yield self._chunk(calls or [{"text": ""}], end, _FINISH[script.finish])

    def _chunk(self, parts: list[Any], usage: Mapping[str, int], finish: str | None = None) -> bytes:
        candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
        if finish is not None:
            candidate["finishReason"] = finish
        head = {"usageMetadata": usage, "modelVersion": self.model, "responseId": "r1"}
        return b"data: " + text_of({"candidates": [candidate], **head}) + b"\r\n\r\n"

    def blocked(self) -> bytes:
        """Return the only piece of a stream where what was asked is not answered at all."""
        feedback = {"promptFeedback": {"blockReason": "SAFETY", "safetyRatings": []}}
        usage = {"promptTokenCount": 42, "totalTokenCount": 42}
        return b"data: " + text_of({**feedback, "usageMetadata": usage, "modelVersion": self.model}) + b"\r\n\r\n"

    def refusal(self, status: int, message: str) -> tuple[Mapping[str, str], Any]:
        error: dict[str, Any] = {"code": status, "message": message, "status": _STATUS.get(status, "UNKNOWN")}
        if status == 401:
            reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
            error |= {"code": 400, "status": "INVALID_ARGUMENT", "details": [reason]}
        return {}, {"error": error}

    def failure(self) -> bytes:
        error = {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}
        return b"data: " + text_of({"error": error}) + b"\r\n\r\n"

    def said(self, asked: Asked) -> Mapping[str, Any]:
        body = camel(asked.body)
        config = body.get("generationConfig", {})
        parts = [part for content in body["contents"] for part in content["parts"]]
        system = body.get("systemInstruction", {}).get("parts", [])
        declared = [each for tool in body.get("tools", []) for each in tool["functionDeclarations"]]
        found = {
            "temperature": config.get("temperature"),
            "top_p": config.get("topP"),
            "max_tokens": config.get("maxOutputTokens"),
            "stop": config.get("stopSequences"),
            "seed": config.get("seed"),
            "tools": [each["name"] for each in declared],
            "must_call": body.get("toolConfig", {}).get("functionCallingConfig", {}).get("mode") == "ANY",
            "schema": config.get("responseJsonSchema") or config.get("responseSchema"),
            "images": [_picture(part["inlineData"]) for part in parts if "inlineData" in part],
            "results": [
                part["functionResponse"]["response"]["content"] for part in parts if "functionResponse" in part
            ],
            "calls": [
                (part["functionCall"]["name"], part["functionCall"]["args"]) for part in parts if "functionCall" in part
            ],
            "text": "\n".join(part.get("text", "") for part in [*system, *parts]),
        }
        return {name: value for name, value in found.items() if value not in (None, [], False)}


def camel(document: Any) -> Any:
    """Spell fields as Google documents them: it takes both spellings, as every reader of its messages does."""
    if isinstance(document, list):
        return [camel(each) for each in document]
    if not isinstance(document, dict):
        return document
    # What stands in these is the caller's own.
    return {
        _camel(k): v if _camel(k) in {"args", "parameters", "responseJsonSchema"} else camel(v)
        for k, v in document.items()
    }


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def read(text: str) -> Any:
    """Read arguments: Gemini has them as values, not as text."""
    return json.loads(text)


def _picture(data: Mapping[str, Any]) -> tuple[str, bytes]:
    return data["mimeType"], base64.b64decode(data["data"])
