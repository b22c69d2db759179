# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""An HTTP answer as the result of a step: text where it is text, JSON where it is JSON, else what it is."""

import hashlib
from collections.abc import Mapping
from http import HTTPStatus

from agents.adapters.tools.http_secrets import is_secret_name
from agents.adapters.tools.json_texts import read_json
from agents.errors import ToolFailed, ToolUnavailable
from codexos.kernel.http import HttpAnswer
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.redaction import REDACTED, Redactor, redact_tokens

TEXT_BESIDE_JSON = 200_000
"""How much of a text is kept where its JSON is kept too."""

_EXCERPT_CHARACTERS = 300
_TEXT_TYPES = ("json", "xml", "javascript", "ecmascript", "x-www-form-urlencoded", "yaml", "graphql")
_AGAIN = frozenset({408, 425, 429})

RESULT_SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "status": {"type": "integer"},
        "url": {"type": "string", "description": "Where the answer came from, after redirects."},
        "headers": {"type": "object", "additionalProperties": {"type": "string"}},
        "text": {"type": ["string", "null"], "description": "The body; null where it is not text."},
        "json": {"description": "The body read as JSON; null where it is none."},
        "content_type": {"type": "string"},
        "size": {"type": "integer", "description": "Bytes of the body, unpacked."},
        "sha256": {"type": "string", "description": "Of the body, unpacked."},
        "truncated": {"type": "boolean", "description": "True where the text is shorter than the body it came from."},
    },
    "required": ["status", "url", "headers", "text", "json", "content_type", "size", "sha256"],
    "additionalProperties": False,
}


def result_of(answer: HttpAnswer, secrets: Redactor) -> JsonObject:
    """Say an answer as a result, without the secrets it was asked with. May take some 100 ms: call it in a thread."""
    content_type = answer.headers.get("content-type", "")
    parsed = read_json(answer.body) if "json" in _media_type(content_type) else None
    text = answer.text if _is_text(answer.body, content_type) else None
    result: dict[str, JsonValue] = {
        "status": answer.status,
        "url": secrets.redact(redact_tokens(answer.url)),
        "headers": secrets.redact_json(_headers_of(answer.headers)),
        "text": text if text is None else secrets.redact(text),
        "json": secrets.redact_json(parsed),
        "content_type": content_type,
        "size": len(answer.body),
        # Of what is left without the secrets: whoever sees it could try values against it otherwise.
        "sha256": hashlib.sha256(secrets.redact_bytes(answer.body)).hexdigest(),
    }
    kept = result["text"]
    if parsed is not None and isinstance(kept, str) and len(kept) > TEXT_BESIDE_JSON:
        result |= {"text": kept[:TEXT_BESIDE_JSON], "truncated": True}
    return result


def refuse_error(answer: HttpAnswer, *, method: str, host: str, secrets: Redactor) -> None:
    """Do nothing where the status tells of success. Raises ToolUnavailable, ToolFailed."""
    if answer.status < 400:
        return
    said = f"{method} to {host!r} was answered with {answer.status}{_phrase(answer.status)}{_excerpt(answer, secrets)}."
    if answer.status not in _AGAIN and answer.status < 500:
        advice = "Correct the request, or set accept_errors to take such an answer as a result."
        raise ToolFailed(f"{said} {advice}", status=answer.status, host=host)
    after = answer.headers.get("retry-after", "").strip()[:40]
    when = f" It asks to wait: Retry-After {after}." if after.isascii() and after.isprintable() and after else ""
    details = {"retry_after_seconds": int(after)} if after.isdecimal() and len(after) < 7 else {}
    raise ToolUnavailable(f"{said}{when} Try again later.", status=answer.status, host=host, **details)


def _headers_of(headers: Mapping[str, str]) -> JsonObject:
    # Cookies are the server's keys to a session, and nothing here sends them back.
    return {
        name.lower(): REDACTED if is_secret_name(name) else value
        for name, value in headers.items()
        if name.lower() != "set-cookie"
    }


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _is_text(body: bytes, content_type: str) -> bool:
    kind = _media_type(content_type)
    if kind.startswith("text/") or any(word in kind for word in _TEXT_TYPES) or not body:
        return True
    if kind not in {"", "application/octet-stream"} or b"\x00" in body:
        return False
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""


def _excerpt(answer: HttpAnswer, secrets: Redactor) -> str:
    if not answer.body or not _is_text(answer.body, answer.headers.get("content-type", "")):
        return ""
    # Redacted before it is cut: half a secret would not be recognized.
    words = " ".join(secrets.redact(answer.text[:100_000]).split())
    said = "".join(letter for letter in words if letter.isprintable())
    return f": {said[:_EXCERPT_CHARACTERS]}{'…' if len(said) > _EXCERPT_CHARACTERS else ''}" if said else ""
