# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Where and how those who speak OpenAI's protocol differ from OpenAI: address, key, and a few words."""

import hashlib
import re
from collections.abc import Mapping
from urllib.parse import quote

from codexos.kernel.jsontypes import JsonObject, JsonValue
from llm.engine.providers import PROVIDERS, ProviderKind

# Mistral takes an id of a call in this form only; one that another provider gave may be of any.
_MISTRAL_ID = re.compile(r"[A-Za-z0-9]{9}")


def chat_url(kind: ProviderKind, base_url: str, *, model: str, options: Mapping[str, str]) -> str:
    """Where a model is asked. At Azure its name, which the customer gives it, is part of the address."""
    if kind != "azure":
        return f"{base_url}/chat/completions"
    (version,) = PROVIDERS["azure"].options
    at = f"{base_url.removesuffix('/openai')}/openai/deployments/{quote(model, safe='')}/chat/completions"
    return f"{at}?api-version={quote(options.get(version.name) or version.default, safe='')}"


def key_headers(kind: ProviderKind, key: str) -> dict[str, str]:
    """How a key is shown; not at all where there is none."""
    if not key:
        return {}
    return {"api-key": key} if kind == "azure" else {"Authorization": f"Bearer {key}"}


def in_dialect(kind: ProviderKind, body: JsonObject) -> JsonObject:
    """Return a request in the words of its provider."""
    return _for_mistral(dict(body)) if kind == "mistral" else body


def _for_mistral(body: dict[str, JsonValue]) -> JsonObject:
    # It tells what was used without being asked, and refuses words it does not know.
    body.pop("stream_options", None)
    if "seed" in body:
        body["random_seed"] = body.pop("seed")
    if body.get("tool_choice") == "required":
        body["tool_choice"] = "any"
    if isinstance(messages := body.get("messages"), list):
        body["messages"] = [_with_short_ids(message) for message in messages]
    return body


def _with_short_ids(message: JsonValue) -> JsonValue:
    if not isinstance(message, Mapping):
        return message
    told = dict(message)
    if isinstance(known := told.get("tool_call_id"), str):
        told["tool_call_id"] = _short(known)
    if isinstance(calls := told.get("tool_calls"), list):
        told["tool_calls"] = [{**call, "id": _short(str(call["id"]))} for call in calls if isinstance(call, Mapping)]
    return told


def _short(known: str) -> str:
    return known if _MISTRAL_ID.fullmatch(known) else hashlib.sha256(known.encode()).hexdigest()[:9]
