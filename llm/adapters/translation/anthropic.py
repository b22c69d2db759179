# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Anthropic's messages."""

import json
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from codexos.kernel.jsontypes import JsonObject, JsonValue
from llm.adapters.translation.library import load
from llm.adapters.translation.translator import Asking, Refusal, StreamRefused, Translator, read_error

VERSION = "2023-06-01"
_CREDIT = re.compile(r"credit balance is too low", re.IGNORECASE)


class AnthropicTranslator(Translator):
    """One request to Anthropic, and the answer to it."""

    marks = True

    def asking(self) -> Asking:
        """See Translator."""
        config, model, headers = load().AnthropicConfig(), self.deployment.model, dict[str, str]()
        settings, left_out = self.settings_for(config)
        if "temperature" in settings and settings.pop("top_p", None) is not None:
            # Newer models refuse both at once.
            left_out = [*left_out, "top_p"]
        settings.pop("json_mode", None)
        body = config.transform_request(model, list(self.spoken.messages), settings, {}, headers)
        headers |= {
            "x-api-key": self.deployment.key,
            "anthropic-version": VERSION,
            "content-type": "application/json",
            "accept": "text/event-stream",
        }
        content = json.dumps({**body, "stream": True}).encode()
        # Addresses are written down with the version and without it.
        address = self.deployment.base_url.removesuffix("/v1")
        return Asking(f"{address}/v1/messages", headers, content, left_out)

    @cached_property
    def _chunks(self) -> Any:
        return load().AnthropicChunks(None, sync_stream=False, json_mode=self.spoken.schema_is_native)

    def chunk(self, event: Mapping[str, JsonValue]) -> JsonObject | None:
        """See Translator."""
        match event.get("type"):
            case "error":
                raise StreamRefused(Refusal(None, {}, {"error": event.get("error")}))
            case "ping" | "message_stop":
                return None
            case _:
                return self.chunk_from(self._chunks.chunk_parser, event)

    def refusal(self, status: int | None, headers: Mapping[str, str], body: bytes) -> Refusal:
        """See Translator. That an account is empty is said as if the request were wrong."""
        error = dict(read_error(body))
        if _CREDIT.search(str(error.get("message"))):
            error["type"] = "insufficient_quota"
        return Refusal(status, headers, {"error": error})
