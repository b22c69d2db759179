# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A SearXNG instance as far as searching goes: its address, its parameters, its JSON, its ways to refuse."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

FOUND: list[dict[str, Any]] = [
    {
        "url": "https://birds.example/kakapo",
        "title": "The kakapo",
        "content": "A flightless  parrot\nof New Zealand.",
        "engine": "wikipedia",
        "parsed_url": ["https", "birds.example", "/kakapo", "", "", ""],
        "template": "default.html",
        "engines": ["wikipedia"],
        "positions": [1],
        "publishedDate": None,
        "score": 4.0,
        "category": "general",
    },
    {"url": "https://birds.example/kea", "title": "The kea", "content": "", "engine": "ddg", "score": 1.0},
    {"url": "javascript:alert(1)", "title": "Not an address", "content": "x", "engine": "ddg", "score": 0.5},
]


@dataclass
class Instance:
    """What the instance answers and what it was asked."""

    url: str = ""
    formats: tuple[str, ...] = ("html", "json")
    results: list[dict[str, Any]] = field(default_factory=lambda: list(FOUND))
    unresponsive: list[list[str]] = field(default_factory=list)
    status: int = 200
    raw: bytes | None = None
    asked: list[str] = field(default_factory=list)


@contextmanager
def serve_searxng(*, below: str = "") -> Iterator[Instance]:
    """Serve an instance on a free port of this machine, below a path if need be."""
    instance = Instance()
    handler = type("Handler", (_Handler,), {"instance": instance, "below": below})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    instance.url = f"http://127.0.0.1:{server.server_port}{below}"
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    try:
        yield instance
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    instance: Instance
    below: str

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        place, instance = urlsplit(self.path), self.instance
        asked = dict(parse_qsl(place.query))
        wanted = asked.get("format", "html")
        if place.path != f"{self.below}/search":
            self._answer(404, b"<h1>Page not found</h1>", "text/html")
        elif not asked.get("q"):
            self._answer(400, json.dumps({"error": "No query"}).encode())
        elif instance.status != 200:
            self._answer(instance.status, b"Too Many Requests", "text/plain")
        elif wanted not in instance.formats:
            self._answer(403, b"<title>403 Forbidden</title>", "text/html")
        elif wanted != "json":
            self._answer(200, b"<!DOCTYPE html>", "text/html")
        else:
            instance.asked.append(asked["q"])
            self._answer(200, instance.raw if instance.raw is not None else self._found(asked["q"]))

    def _found(self, query: str) -> bytes:
        instance = self.instance
        return json.dumps(
            {
                "query": query,
                "number_of_results": 0,
                "results": instance.results,
                "answers": [],
                "corrections": [],
                "infoboxes": [],
                "suggestions": [],
                "unresponsive_engines": instance.unresponsive,
            }
        ).encode()

    def _answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
