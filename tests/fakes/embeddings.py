# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Providers of vectors over real HTTP, each in its own words, and refusing what the real one refuses."""

import base64
import hashlib
import json
import re
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import unquote

from tests.fakes.providers.bedrock import check_signature
from tests.fakes.providers.server import Asked, Refused

KEY = "sk-canary-5b1e9d7a3c2f8640"
DIMENSIONS = 8
Speaks = Literal["openai", "mistral", "ollama", "gemini", "titan", "cohere"]
_GEMINI = re.compile(r"/v1/models/([^/:]+):batchEmbedContents")
_AT_BEDROCK = frozenset({"titan", "cohere"})
_BEDROCK = re.compile(r"/model/([^/]+)/invoke")
_FIELDS = {
    "openai": {"model", "input", "encoding_format", "dimensions", "user"},
    "mistral": {"model", "input", "encoding_format", "output_dimension", "output_dtype"},
    "ollama": {"model", "input", "encoding_format", "dimensions"},
}


def numbers_of(text: str) -> list[float]:
    """The vector of a text here: the same every time, and not of length one."""
    digest = hashlib.sha256(text.encode()).digest()
    return [byte / 16 - 7.96875 for byte in digest[:DIMENSIONS]]


@dataclass
class Embeddings:
    """What is served to whom, and what was asked."""

    speaks: Speaks
    url: str = ""
    models: tuple[str, ...] = (
        *("text-embedding-3-small", "mistral-embed", "nomic-embed-text", "gemini-embedding-001"),
        *("amazon.titan-embed-text-v2:0", "eu.cohere.embed-multilingual-v3"),
    )
    most_texts: int = 2048
    most_characters: int = 32_000
    """Of one text."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[tuple[int, Any, Mapping[str, str]]] = field(default_factory=list)
    """What the next requests are refused with."""
    answers: list[Any] = field(default_factory=list)
    """What the next requests are answered with, whatever they ask; bytes are sent as they are."""
    breaks_off: bool = False
    tells_usage: bool = True
    is_open: threading.Event = field(default_factory=threading.Event)
    has_come: threading.Event = field(default_factory=threading.Event)
    calls: int = 0

    def texts(self) -> list[list[str]]:
        """The texts of each call."""
        return [self.texts_of(asked) for asked in self.asked]

    def texts_of(self, asked: dict[str, Any]) -> list[str]:
        if self.speaks == "gemini":
            return [each["content"]["parts"][0]["text"] for each in asked["requests"]]
        if self.speaks == "titan":
            return [asked["inputText"]]
        return asked["texts" if self.speaks == "cohere" else "input"]


@contextmanager
def serve_embeddings(speaks: Speaks = "openai", **options: Any) -> Iterator[Embeddings]:
    """Serve on a free port of this machine."""
    provider = Embeddings(speaks, **options)
    provider.is_open.set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"provider": provider}))
    server.daemon_threads = True
    provider.url = f"http://127.0.0.1:{server.server_port}{'' if speaks in _AT_BEDROCK else '/v1'}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield provider
    finally:
        provider.is_open.set()
        server.shutdown()
        server.server_close()


class _Refused(Exception):
    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        self.status, self.message, self.code = status, message, code


_UNKNOWN = dict.fromkeys(_AT_BEDROCK, _Refused(400, "The provided model identifier is invalid."))
_TOO_LONG = {
    "titan": _Refused(400, "400 Bad Request: Too many input tokens. Max input tokens: 8192"),
    "cohere": _Refused(400, "Malformed input request: expected maxLength: 2048, actual: 40000"),
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    provider: Embeddings

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def do_POST(self) -> None:
        provider = self.provider
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        provider.calls += 1
        provider.has_come.set()
        provider.is_open.wait(10)
        try:
            if provider.refusals:
                status, said, headers = provider.refusals.pop(0)
                self._send(status, said, headers)
                return
            model, texts, asked = self._checked(body)
        except _Refused as refused:
            fault = {"x-amzn-ErrorType": "ValidationException:http://internal.amazon.com/coral/"}
            is_amazon = provider.speaks in _AT_BEDROCK
            self._send(refused.status, self._in_its_words(refused), fault if is_amazon else {})
            return
        provider.asked.append(asked)
        counted = {"x-amzn-bedrock-input-token-count": str(sum(len(text.split()) for text in texts))}
        answer = provider.answers.pop(0) if provider.answers else self._vectors(model, texts, asked)
        self._send(200, answer, counted if provider.speaks in _AT_BEDROCK else {})

    def _checked(self, body: bytes) -> tuple[str, list[str], dict[str, Any]]:
        asked = json.loads(body)
        readers = {"gemini": self._of_gemini, "titan": self._of_bedrock, "cohere": self._of_bedrock}
        model, texts = readers.get(self.provider.speaks, self._of_openai)(asked, body)
        if model not in self.provider.models:
            raise _UNKNOWN.get(
                self.provider.speaks, _Refused(404, f"The model `{model}` does not exist.", "model_not_found")
            )
        if not texts or len(texts) > self.provider.most_texts:
            raise _Refused(400, f"at most {self.provider.most_texts} texts")
        for text in texts:
            if not isinstance(text, str) or not text:
                raise _Refused(400, "'input' cannot be an empty string")
            if len(text) > self.provider.most_characters:
                raise _TOO_LONG.get(
                    self.provider.speaks,
                    _Refused(400, "This model's maximum context length is 8192 tokens", "context_length_exceeded"),
                )
            if "poison" in text:
                raise _Refused(400, "the input is not acceptable")
        return model, texts, asked

    def _of_openai(self, asked: dict[str, Any], raw: bytes) -> tuple[str, list[str]]:
        if self.path != "/v1/embeddings":
            raise _Refused(404, f"Unknown request URL: POST {self.path}.")
        if self.provider.speaks != "ollama" and self.headers.get("Authorization") != f"Bearer {KEY}":
            raise _Refused(401, f"Incorrect API key provided: {self.headers.get('Authorization')}.", "invalid_api_key")
        if unknown := set(asked) - _FIELDS[self.provider.speaks]:
            raise _Refused(422, f"Unknown parameters: {unknown}")
        return asked["model"], asked["input"]

    def _of_gemini(self, asked: dict[str, Any], raw: bytes) -> tuple[str, list[str]]:
        path = _GEMINI.fullmatch(self.path)
        if path is None:
            raise _Refused(404, "Not found.")
        if self.headers.get("x-goog-api-key") != KEY:
            raise _Refused(400, "API key not valid. Please pass a valid API key.", "API_KEY_INVALID")
        for each in asked["requests"]:
            if each["model"] != f"models/{path[1]}" or each["taskType"] not in {
                "RETRIEVAL_QUERY",
                "RETRIEVAL_DOCUMENT",
            }:
                raise _Refused(400, "Invalid JSON payload received.")
        return path[1], self.provider.texts_of(asked)

    def _of_bedrock(self, asked: dict[str, Any], raw: bytes) -> tuple[str, list[str]]:
        path = _BEDROCK.fullmatch(self.path)
        if path is None:
            raise _Refused(404, "Unknown operation")
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            check_signature(Asked(self.path, headers, asked, raw), key=KEY)
        except Refused as refused:
            raise _Refused(refused.status, refused.message) from None
        model, is_titan = unquote(path[1]), self.provider.speaks == "titan"
        if set(asked) != ({"inputText"} if is_titan else {"texts", "input_type", "truncate"}):
            raise _Refused(400, f"Malformed input request: extraneous key {sorted(asked)} is not permitted")
        if not is_titan and (
            asked["input_type"] not in {"search_query", "search_document"} or asked["truncate"] != "NONE"
        ):
            raise _Refused(400, "Malformed input request: not a value of the enumeration")
        if not is_titan and len(asked["texts"]) > 96:
            raise _Refused(400, "Malformed input request: expected maxItems: 96")
        return model, self.provider.texts_of(asked)

    def _in_its_words(self, refused: _Refused) -> Any:
        if self.provider.speaks == "gemini":
            details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": refused.code}]
            told = {"code": refused.status, "message": refused.message, "status": "INVALID_ARGUMENT"}
            return {"error": told | ({"details": details} if refused.code else {})}
        if self.provider.speaks in _AT_BEDROCK:
            return {"message": refused.message}
        kind = "invalid_request_error"
        return {"error": {"message": refused.message, "type": kind, "param": None, "code": refused.code}}

    def _vectors(self, model: str, texts: list[str], asked: dict[str, Any]) -> Any:
        tokens = sum(len(text.split()) for text in texts)
        if self.provider.speaks == "gemini":
            return {"embeddings": [{"values": numbers_of(text)} for text in texts]}
        if self.provider.speaks == "titan":
            return {"embedding": numbers_of(texts[0]), "inputTextTokenCount": tokens}
        if self.provider.speaks == "cohere":
            vectors = [numbers_of(text) for text in texts]
            return {"id": "e", "embeddings": vectors, "response_type": "embeddings_floats", "texts": texts}
        data: list[dict[str, Any]] = []
        for index, text in enumerate(texts):
            numbers: Any = numbers_of(text)
            if asked.get("encoding_format") == "base64":
                numbers = base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
            data.append({"object": "embedding", "index": index, "embedding": numbers})
        usage = {"usage": {"prompt_tokens": tokens, "total_tokens": tokens}} if self.provider.tells_usage else {}
        # The index says whose a vector is, not its place.
        return {"object": "list", "model": model, "data": data[::-1], **usage}

    def _send(self, status: int, said: Any, headers: Mapping[str, str]) -> None:
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.provider.breaks_off:
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            return
        self.wfile.write(body)
