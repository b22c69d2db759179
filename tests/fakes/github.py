# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""GitHub as far as its REST API and git go, over real repositories on disk: strict about what it is sent.

Wrong media types, missing headers, members nobody knows, wrong keys and missing names are refused in GitHub's own form.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from tests.fakes import github_answers as github_answers
from tests.fakes import github_apps
from tests.fakes.git_server import GitServer
from tests.fakes.github_kept import BELOW, KEY, ROUTES, Asked, GitHubServer, Refused

__all__ = ["KEY", "GitHubServer", "Refused", "serve_github"]
ACCEPT = "application/vnd.github+json"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: GitHubServer

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        if not self.path.startswith(BELOW):
            self.hub.git.serve(self)
            return
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            said, headers = self._answered(content)
            self._send(201 if self.command == "POST" else 200, said, headers)
        except Refused as refused:
            self._send(refused.status, refused.said, refused.headers)

    do_POST = do_PATCH = do_PUT = do_GET

    def _answered(self, content: bytes) -> tuple[Any, dict[str, str]]:
        place = urlsplit(self.path)
        path = unquote(place.path.removeprefix(BELOW))
        body = self._body(content)
        self.hub.asked.append((self.command, path, body))
        self._check_headers(path)
        if self.hub.refusals:
            raise self.hub.refusals.pop(0)
        for method, pattern, answer in ROUTES:
            if method == self.command and (found := pattern.fullmatch(path)):
                names = found.groupdict()
                repository = self._repository(names)
                asked = Asked(self.hub, repository, names, dict(parse_qsl(place.query)), body)
                return self._paged(answer(asked), asked, place.path)
        raise Refused(404, "Not Found")

    def _repository(self, names: Mapping[str, str]) -> Path:
        if "owner" not in names:
            return self.hub.root
        if f"{names['owner']}/{names['name']}" in self.hub.private and not self.headers.get("Authorization"):
            raise Refused(404, "Not Found")
        return self.hub.repository(names["owner"], names["name"])

    def _body(self, content: bytes) -> dict[str, Any]:
        if self.command == "GET":
            return {}
        if self.headers.get("Content-Type") != "application/json":
            raise Refused(415, "Unsupported Media Type")
        try:
            read = json.loads(content)
        except ValueError:
            raise Refused(400, "Problems parsing JSON") from None
        if not isinstance(read, dict):
            raise Refused(400, "Body should be a JSON object")
        return read

    def _check_headers(self, path: str) -> None:
        if not self.headers.get("User-Agent"):
            raise Refused(
                403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent."
            )
        if self.headers.get("Accept") != ACCEPT:
            raise Refused(415, f"Must accept '{ACCEPT}'")
        if self.headers.get("X-GitHub-Api-Version") != "2022-11-28":
            raise Refused(400, "Invalid API version")
        sent = self.headers.get("Authorization", "")
        if github_apps.is_for_apps(path):
            github_apps.check_app(self.hub, sent)
        elif sent and sent.removeprefix("Bearer ") not in self.hub.keys:
            raise Refused(401, "Bad credentials")
        if not sent and self.command != "GET":
            raise Refused(401, "Requires authentication")

    def _paged(self, said: Any, asked: Asked, path: str) -> tuple[Any, dict[str, str]]:
        items = (
            said
            if isinstance(said, list)
            else said.get("check_runs", said.get("items"))
            if isinstance(said, dict)
            else None
        )
        if not isinstance(items, list):
            return said, {}
        size, page = int(asked.query.get("per_page", 30)), int(asked.query.get("page", 1))
        if not 1 <= size <= 100:
            raise Refused(422, "per_page is from 1 to 100")
        part, more = items[(page - 1) * size : page * size], len(items) > page * size
        following = urlencode({**asked.query, "page": page + 1})
        headers = {"Link": f'<{self.hub.url}{path}?{following}>; rel="next", <x>; rel="last"'} if more else {}
        name = "check_runs" if "check_runs" in said else "items"
        return (part if isinstance(said, list) else {**said, name: part}), headers

    def _send(self, status: int, said: Any, headers: Mapping[str, str]) -> None:
        content = self.hub.raw or json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if self.hub.raw else "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serve_github(root: Path) -> Iterator[GitHubServer]:
    """Serve the repositories beneath a folder by API and by git, on a free port of this machine."""
    hub = GitHubServer(root, GitServer(root))
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.url = hub.git.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
