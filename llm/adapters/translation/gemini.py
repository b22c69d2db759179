# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Google's Gemini."""

import json
import re
from collections.abc import Mapping
from functools import cached_property
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from codexos.kernel.jsontypes import JsonObject, JsonValue
from llm.adapters.translation.library import load
from llm.adapters.translation.translator import Asking, Refusal, StreamRefused, Translator, read_error

_VERSION = re.compile(r"/v1(alpha|beta)?$")
_DELAY = re.compile(r"(\d{1,6})(\.\d{1,9})?s")


class GeminiTranslator(Translator):
    """One request to Gemini, and the answer to it. What it read before it keeps by itself, so nothing is marked."""

    def asking(self) -> Asking:
        """See Translator."""
        library, model = load(), self.deployment.model
        settings, left_out = self.settings_for(library.GeminiConfig())
        body = library.gemini_body(
            messages=list(self.spoken.messages),
            model=model,
            optional_params=settings,
            custom_llm_provider="gemini",
            litellm_params={},
            cached_content=None,
        )
        headers = {"x-goog-api-key": self.deployment.key, "content-type": "application/json"}
        # Addresses are written down with the version and without it.
        base_url = self.deployment.base_url
        address = base_url if _VERSION.search(base_url) else f"{base_url}/v1beta"
        url = f"{address}/models/{quote(model, safe='')}:streamGenerateContent?alt=sse"
        return Asking(url, headers, json.dumps(body).encode(), left_out)

    @cached_property
    def _chunks(self) -> Any:
        return load().GeminiChunks(None, sync_stream=False, logging_obj=SimpleNamespace(optional_params={}))

    def finish_of(self, told: str | None, event: Mapping[str, JsonValue]) -> str | None:
        """See Translator. litellm takes every piece for the last one: only what says so is."""
        candidates = _list(event.get("candidates"))
        is_last = any("finishReason" in each for each in candidates if isinstance(each, Mapping))
        return told if is_last or not candidates else None

    def chunk(self, event: Mapping[str, JsonValue]) -> JsonObject | None:
        """See Translator."""
        if "error" in event:
            raise StreamRefused(self.refusal(None, {}, json.dumps(event).encode()))
        return self.chunk_from(self._chunks.chunk_parser, event)

    def refusal(self, status: int | None, headers: Mapping[str, str], body: bytes) -> Refusal:
        """See Translator. A wrong key is said as if the request were wrong, and when to ask again among the details."""
        error = dict(read_error(body))
        details = [detail for detail in _list(error.get("details")) if isinstance(detail, Mapping)]
        if any(detail.get("reason") == "API_KEY_INVALID" for detail in details):
            status = 401
        if status is None and isinstance(code := error.get("code"), int):
            status = code
        delays = [_DELAY.fullmatch(str(detail.get("retryDelay", ""))) for detail in details]
        if (found := next(filter(None, delays), None)) and "retry-after" not in headers:
            headers = {**headers, "retry-after": str(int(found[1]) + (1 if found[2] else 0))}
        return Refusal(status, headers, {"error": error})


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []
