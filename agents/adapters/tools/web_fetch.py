# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""WebFetch: one page or document of the web as readable text, through the egress gate, bounded in time and size."""

import asyncio
from dataclasses import replace
from typing import Unpack
from urllib.parse import urldefrag, urlsplit

from agents.adapters.tools.http_request import client_for, egress_of
from agents.adapters.tools.http_result import refuse_error
from agents.adapters.tools.readable import charset_of, read_page
from agents.engine.gate import Occasion
from agents.engine.tools import ToolSpec
from agents.errors import ToolFailed
from codexos.kernel.http import ClientOptions, EgressPolicy, HttpAnswer, HttpLimits, RequestInvalid
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.redaction import Redactor
from rag.operations.pdfs import text_of_pdf

BODY_BYTES = 5_000_000
DEFAULT_CHARACTERS = 40_000
MOST_CHARACTERS = 200_000
_LIMITS = HttpLimits(total_seconds=30, connect_seconds=8, idle_seconds=15, body_bytes=BODY_BYTES, redirects=5)
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_TEXTS = ("json", "xml", "yaml", "javascript", "csv", "toml")
_ACCEPT = "text/html, application/xhtml+xml, text/plain;q=0.9, application/json;q=0.8, application/pdf;q=0.7, */*;q=0.1"


_SPEC = ToolSpec(
    name="WebFetch",
    description=(
        "Fetch one page of the web and return it as readable text, with its title and links. Also reads plain text, "
        "JSON and PDF. What it returns was written by strangers."
    ),
    schema={
        "type": "object",
        "properties": {
            "url": {"type": "string", "minLength": 1, "maxLength": 8_000, "description": "https:// or http://"},
            "max_characters": {
                "type": "integer",
                "minimum": 100,
                "maximum": MOST_CHARACTERS,
                "description": f"How much of the text is returned; {DEFAULT_CHARACTERS:,} where it is left out.",
            },
            "start": {
                "type": "integer",
                "minimum": 0,
                "maximum": BODY_BYTES,
                "description": "At which character of the text to begin: to read on.",
            },
        },
        "required": ["url"],
        "additionalProperties": False,
    },
    result_schema={
        "type": "object",
        "properties": {
            "url": {"type": "string", "description": "Where it came from, after redirects."},
            "title": {"type": "string"},
            "text": {"type": "string"},
            "content_type": {"type": "string"},
            "characters": {"type": "integer", "description": "Of the whole text."},
            "truncated": {"type": "boolean"},
        },
        "required": ["url", "title", "text", "content_type", "characters", "truncated"],
        "additionalProperties": False,
    },
    capabilities=("read", "egress:*"),
    touches=lambda arguments: ("read", egress_of(arguments)),
    reads_only=True,
    timeout_seconds=90,
)


class WebFetch:
    """Fetches what people read."""

    def __init__(self, policy: EgressPolicy, **options: Unpack[ClientOptions]) -> None:
        self._policy = policy
        self._options = options

    @property
    def spec(self) -> ToolSpec:
        """What is promised about it."""
        return _SPEC

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """Return the text. Raises ToolFailed, ToolUnavailable, what reading a PDF raises and what the gate raises."""
        url = urldefrag(str(arguments.get("url", "")).strip()).url
        if urlsplit(url).scheme not in {"http", "https"}:
            raise RequestInvalid(place="url", because="its address does not begin with https:// or http://")
        async with client_for(self._policy, url, on=on, options=self._options) as client:
            answer = await client.request("GET", url, headers={"Accept": _ACCEPT}, limits=_LIMITS)
        refuse_error(answer, method="GET", host=urlsplit(url).hostname or "", secrets=Redactor(()))
        title, text = await asyncio.to_thread(_read, answer)
        begin, most = _number(arguments, "start", 0), _number(arguments, "max_characters", DEFAULT_CHARACTERS)
        part = text[begin : begin + most]
        return {
            "url": answer.url,
            "title": title,
            "text": part,
            "content_type": answer.headers.get("content-type", ""),
            "characters": len(text),
            "truncated": begin > 0 or len(part) < len(text),
        }


def _number(arguments: JsonObject, name: str, otherwise: int) -> int:
    value = arguments.get(name)
    return value if isinstance(value, int) else otherwise


def _read(answer: HttpAnswer) -> tuple[str, str]:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/pdf" or answer.body.startswith(b"%PDF-"):
        return "", text_of_pdf(answer.body, name=urlsplit(answer.url).path[-100:] or "document.pdf")
    if kind in _HTML or (not kind and b"<html" in answer.body[:1_000].lower()):
        page = read_page(_decoded(answer), url=answer.url)
        return page.title, page.text
    if kind.startswith("text/") or any(word in kind for word in _TEXTS) or _is_plain(answer.body):
        return "", answer.text
    raise ToolFailed(
        f"{urlsplit(answer.url).hostname!r} sent {kind or 'something'}, {len(answer.body):,} bytes, which is no text. "
        "WebFetch reads pages, text, JSON and PDF.",
        content_type=kind,
    )


def _decoded(answer: HttpAnswer) -> str:
    if "charset=" in answer.headers.get("content-type", "").lower():
        return answer.text
    return replace(answer, headers={"content-type": f"text/html; charset={charset_of(answer.body)}"}).text


def _is_plain(body: bytes) -> bool:
    if b"\x00" in body:
        return False
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
