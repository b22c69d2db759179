# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Amazon Bedrock's Converse: requests that are signed, answers as a binary event stream."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlsplit

from codexos.kernel.http import HttpStream, Unreachable
from codexos.kernel.jsontypes import JsonObject, JsonValue
from llm.adapters.bedrock_keys import headers_for
from llm.adapters.translation.library import load
from llm.adapters.translation.translator import Asking, Refusal, StreamRefused, Translator, read_error, read_event
from llm.engine.completions import ChunkUnreadable
from llm.engine.event_stream import Frame, FrameBroken, FrameReader

# An exception inside of a stream comes without a status: the one it has where it comes instead of a stream.
_STATUS = {
    "accessDeniedException": 403,
    "internalServerException": 500,
    "modelStreamErrorException": 500,
    "modelTimeoutException": 408,
    "serviceUnavailableException": 503,
    "throttlingException": 429,
    "validationException": 400,
}
_UNKNOWN = re.compile(r"model identifier is invalid|model ID .{0,80}isn't supported", re.IGNORECASE)


class BedrockTranslator(Translator):
    """One request to Bedrock, and the answer to it."""

    content_type = "application/vnd.amazon.eventstream"
    marks = True

    def asking(self) -> Asking:
        """See Translator."""
        config = load().BedrockConfig()
        settings, left_out = self.settings_for(config)
        body = config.transform_request(self.deployment.model, list(self.spoken.messages), settings, {}, {})
        content = json.dumps(body).encode()
        path = f"/model/{quote(self.deployment.model, safe='')}/converse-stream"
        headers = headers_for(self.deployment, path, content=content, accept=self.content_type)
        return Asking(f"{self.deployment.base_url}{path}", headers, content, left_out)

    async def events(self, answer: HttpStream) -> AsyncIterator[Mapping[str, JsonValue]]:
        """See Translator."""
        reader = FrameReader()
        try:
            async for piece in answer.chunks():
                for frame in reader.feed(piece):
                    yield self._event(frame)
        except FrameBroken as error:
            raise ChunkUnreadable(str(error)) from None
        if reader.is_inside:
            raise Unreachable(host=urlsplit(answer.url).hostname or "", because="its answer broke off")

    def _event(self, frame: Frame) -> Mapping[str, JsonValue]:
        kind = frame.headers.get(":exception-type") or frame.headers.get(":error-code")
        if frame.headers.get(":message-type", "event") != "event" or kind:
            raise StreamRefused(self._exception(kind or "", frame))
        return read_event(frame.payload.decode(errors="replace") or "{}")

    def _exception(self, kind: str, frame: Frame) -> Refusal:
        error = {"type": kind, "message": frame.headers.get(":error-message", ""), **read_error(frame.payload)}
        return Refusal(_STATUS.get(kind, 500), {}, {"error": error})

    @cached_property
    def _chunks(self) -> Any:
        return load().BedrockChunks(self.deployment.model, json_mode=self.spoken.schema_is_native)

    def finish_of(self, told: str | None, event: Mapping[str, JsonValue]) -> str | None:
        """See Translator. Where the form of an answer is a tool's, calling it is the answer."""
        return "stop" if told == "tool_calls" and self.spoken.schema_is_native else told

    def chunk(self, event: Mapping[str, JsonValue]) -> JsonObject | None:
        """See Translator."""
        return self.chunk_from(self._chunks.converse_chunk_parser, event)

    def refusal(self, status: int | None, headers: Mapping[str, str], body: bytes) -> Refusal:
        """See Translator. What went wrong stands in a header, and a name it does not know is said to be invalid."""
        error = dict(read_error(body))
        error["type"] = headers.get("x-amzn-errortype", "").partition(":")[0]
        error["message"] = error.get("message") or error.get("Message")
        if _UNKNOWN.search(str(error["message"])):
            error["code"] = "model_not_found"
        return Refusal(status, headers, {"error": error})
