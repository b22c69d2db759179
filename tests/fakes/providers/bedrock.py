# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Amazon Bedrock's Converse: checks every signature by its own reading of it, and answers in binary frames."""

import base64
import hashlib
import hmac
import re
from binascii import crc32
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from struct import pack
from typing import Any
from urllib.parse import quote

from tests.fakes.providers.server import KEY, Asked, FakeProvider, Script, need, only, text_of

REGION, KEY_ID = "eu-test-1", "AKIDBEDROCKEXAMPLE"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/bedrock/aws4_request, SignedHeaders=([^,]+), "
    r"Signature=(\w{64})"
)
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "messages": list,
    "system": list,
    "inferenceConfig": dict,
    "toolConfig": dict,
    "additionalModelRequestFields": dict,
    "outputConfig": dict,
}
_INFERENCE: dict[str, type | tuple[type, ...]] = {
    "temperature": (int, float),
    "topP": (int, float),
    "maxTokens": int,
    "stopSequences": list,
}
_BLOCKS = {"text", "image", "toolUse", "toolResult", "cachePoint"}
_FINISH = {"stop": "end_turn", "length": "max_tokens", "filter": "content_filtered"}
_FAULTS = {
    400: "ValidationException",
    401: "UnrecognizedClientException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}


@dataclass
class FakeBedrock(FakeProvider):
    """Bedrock."""

    kind, model = "bedrock", "amazon.nova-lite-v1:0"
    content_type = "application/vnd.amazon.eventstream"
    is_seeded = False
    options: Mapping[str, str] = field(default_factory=lambda: {"region": REGION, "access_key_id": KEY_ID})

    def check(self, asked: Asked) -> None:
        need(asked.path == f"/model/{quote(self.model, safe='')}/converse-stream", "Unknown operation", 404)
        if self.options.get("access_key_id"):
            check_signature(asked)
        else:
            need(asked.headers.get("authorization") == f"Bearer {KEY}", "Invalid API Key", 403)
        body = asked.body
        only(body, _FIELDS, needed=("messages",))
        only(body.get("inferenceConfig", {}), _INFERENCE)
        need(body["messages"][0]["role"] == "user", "A conversation must start with a user message.")
        for before, message in zip([None, *body["messages"]], body["messages"], strict=False):
            need(before is None or before["role"] != message["role"], "A conversation must alternate between roles.")
            for block in message["content"]:
                need(len(block) == 1 and set(block) <= _BLOCKS, f"Unknown block {sorted(block)}")
                need(isinstance(block.get("toolUse", {}).get("input", {}), dict), "toolUse.input is invalid.")
        need(not body.get("additionalModelRequestFields"), "extraneous key is not permitted")

    def frames(self, script: Script, asked: Asked) -> Iterator[bytes]:
        told_in, told_out = script.usage
        yield frame("messageStart", {"role": "assistant", "p": "abcdef"})
        yield from self._blocks(script, asked)
        reason = "tool_use" if script.calls or _is_forced(asked) else _FINISH[script.finish]
        yield frame("messageStop", {"stopReason": reason, "p": "abc"})
        usage = {
            "inputTokens": told_in - script.cached - script.written,
            "outputTokens": told_out,
            "totalTokens": told_in + told_out,
            "cacheReadInputTokens": script.cached,
            "cacheWriteInputTokens": script.written,
        }
        yield frame("metadata", {"usage": usage, "metrics": {"latencyMs": 7}})

    def _blocks(self, script: Script, asked: Asked) -> Iterator[bytes]:
        calls = list(script.calls)
        yield frame("somethingNew", {"told": "Who does not know an event leaves it out."})
        if script.thought:
            thought = {"reasoningContent": {"text": script.thought}}
            yield frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": thought})
            yield frame("contentBlockStop", {"contentBlockIndex": 0})
        if _is_forced(asked):
            calls = [("json_tool_call", script.words)]
        elif script.words:
            for word in script.words:
                yield frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": word}, "p": "ab"})
            yield frame("contentBlockStop", {"contentBlockIndex": 0})
        for at, (name, pieces) in enumerate(calls, start=1):
            start = {"toolUse": {"toolUseId": f"tooluse_{at}", "name": name}}
            yield frame("contentBlockStart", {"contentBlockIndex": at, "start": start})
            for piece in pieces:
                delta = {"toolUse": {"input": piece}}
                yield frame("contentBlockDelta", {"contentBlockIndex": at, "delta": delta})
            yield frame("contentBlockStop", {"contentBlockIndex": at})

    def refusal(self, status: int, message: str) -> tuple[Mapping[str, str], Any]:
        fault = _FAULTS.get(status, "InternalServerException")
        return {"x-amzn-ErrorType": f"{fault}:http://internal.amazon.com/coral/"}, {"message": message}

    def failure(self) -> bytes:
        return frame("serviceUnavailableException", {"message": "Bedrock is overloaded"}, kind="exception")

    def malformed(self) -> bytes:
        changed = bytearray(frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "lies"}}))
        changed[-6] ^= 1
        return bytes(changed)

    def said(self, asked: Asked) -> Mapping[str, Any]:
        body = asked.body
        config, tools = body.get("inferenceConfig", {}), body.get("toolConfig", {})
        blocks = [block for message in body["messages"] for block in message["content"]]
        offered = [tool["toolSpec"] for tool in tools.get("tools", []) if "toolSpec" in tool]
        forced = next((tool["inputSchema"]["json"] for tool in offered if tool["name"] == "json_tool_call"), None)
        everything = [*body.get("system", []), *blocks]
        found = {
            "temperature": config.get("temperature"),
            "top_p": config.get("topP"),
            "max_tokens": config.get("maxTokens"),
            "stop": config.get("stopSequences"),
            "tools": [tool["name"] for tool in offered if tool["name"] not in {"json_tool_call", "dummy_tool"}],
            "must_call": "any" in tools.get("toolChoice", {}),
            "schema": forced,
            "images": [_picture(block["image"]) for block in blocks if "image" in block],
            "results": [block["toolResult"]["content"][0]["text"] for block in blocks if "toolResult" in block],
            "calls": [(block["toolUse"]["name"], block["toolUse"]["input"]) for block in blocks if "toolUse" in block],
            "text": "\n".join(block.get("text", "") for block in everything),
            "kept": [b["text"] for b, after in pairwise(everything) if "cachePoint" in after],
        }
        return {name: value for name, value in found.items() if value not in (None, [], False)}


def frame(event: str, document: Any, *, kind: str = "event") -> bytes:
    """Write one message."""
    named = {":message-type": kind, f":{kind}-type": event, ":content-type": "application/json"}
    return message(b"".join(text_header(name, value) for name, value in named.items()), text_of(document))


def text_header(name: str, value: str) -> bytes:
    """Write one header whose value is a text."""
    return pack("!B", len(name)) + name.encode() + pack("!BH", 7, len(value.encode())) + value.encode()


def message(headers: bytes, payload: bytes) -> bytes:
    """Write headers and payload with their lengths and checksums."""
    start = pack("!II", len(headers) + len(payload) + 16, len(headers))
    body = start + pack("!I", crc32(start)) + headers + payload
    return body + pack("!I", crc32(body))


def _is_forced(asked: Asked) -> bool:
    return "tool" in asked.body.get("toolConfig", {}).get("toolChoice", {})


def check_signature(asked: Asked, *, key: str = KEY) -> None:
    """Refuse what is not signed as Bedrock wants it."""
    found = _AUTHORIZATION.fullmatch(asked.headers.get("authorization", ""))
    need(found, "Missing Authentication Token", 403)
    key_id, day, region, names, signature = found.groups()  # type: ignore[union-attr]
    need(key_id == KEY_ID and region == REGION, "The security token included in the request is invalid.", 403)
    need({"host", "x-amz-date", "content-type"} <= set(names.split(";")), "Headers are not signed.", 403)
    at = datetime.strptime(asked.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    need(abs(datetime.now(UTC) - at) < timedelta(minutes=5), "Signature expired", 403)
    expected = _signature(asked, names, scope=f"{day}/{region}/bedrock/aws4_request", secret=key)
    need(hmac.compare_digest(expected, signature), "The request signature we calculated does not match", 403)


def _signature(asked: Asked, names: str, *, scope: str, secret: str) -> str:
    lines = "".join(f"{name}:{asked.headers[name].strip()}\n" for name in names.split(";"))
    path = quote(asked.path, safe="/-_.~")
    canonical = "\n".join(["POST", path, "", lines, names, hashlib.sha256(asked.raw).hexdigest()])
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join(["AWS4-HMAC-SHA256", asked.headers["x-amz-date"], scope, hashed])
    key = f"AWS4{secret}".encode()
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")
    return hmac.new(key, to_sign.encode(), "sha256").hexdigest()


def _picture(image: Mapping[str, Any]) -> tuple[str, bytes]:
    return f"image/{image['format']}", base64.b64decode(image["source"]["bytes"])
