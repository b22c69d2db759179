# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Git over smart HTTP: git's own http-backend behind a small server that signs people in and counts what was asked."""

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

BACKEND = "/usr/lib/git-core/git-http-backend"
AS = {"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@acme.example"}
AS |= {"GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@acme.example"}


def git(where: Path, *words: str, stdin: bytes = b"") -> str:
    """Run git in a folder, untouched by this machine's own settings."""
    env = {"PATH": os.defpath, "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", **AS}
    told = subprocess.run(["git", *words], cwd=where, env=env, input=stdin, capture_output=True, check=False)
    assert told.returncode == 0, told.stderr.decode()
    return told.stdout.decode("utf-8", "replace").strip()


def make_repository(place: Path, files: dict[str, str | bytes], *, branch: str = "main") -> Path:
    """Make a bare repository with one commit."""
    work = place.parent / f"{place.name}.work"
    work.mkdir(parents=True)
    git(work, "init", "-q", "-b", branch)
    for path, content in files.items():
        target = work / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    git(work, "add", "-A")
    git(work, "commit", "-q", "--allow-empty", "-m", "Begin")
    git(place.parent, "clone", "-q", "--bare", str(work), str(place))
    git(place, "config", "http.receivepack", "true")
    git(place, "config", "uploadpack.allowAnySHA1InWant", "true")
    return place


@dataclass
class GitServer:
    """What is served, who may come in with which key, and what was asked."""

    root: Path
    keys: dict[str, str] = field(default_factory=dict)
    """Keys by the repository they open, such as ``acme/birds``; one without a key is open to everybody for reading."""
    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    signed_in: list[str] = field(default_factory=list)
    tokens: dict[str, set[str]] = field(default_factory=dict)
    """Further keys by the repository that they open for reading."""
    speaks_newest: bool = True
    """Whether it answers in version 2 of the protocol where it is asked to; some hosts do not."""
    refusals: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Statuses and headers that the next requests are answered with."""

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request as git does."""
        place = urlsplit(handler.path)
        owner, _, rest = place.path.lstrip("/").partition("/")
        name, _, inner = rest.partition(".git/")
        repository = f"{owner}/{name}"
        self.asked.append((handler.command, f"{place.path}?{place.query}"))
        if self.refusals:
            _refuse(handler, *self.refusals.pop(0))
            return
        is_push = "receive-pack" in f"{inner}{place.query}"
        if not self._may(handler, repository, is_push=is_push):
            _refuse(handler, 401, {"WWW-Authenticate": 'Basic realm="Git"'})
            return
        dialect = handler.headers.get("Git-Protocol", "") if self.speaks_newest else ""
        _backend(handler, self.root, path=f"/{repository}.git/{inner}", query=place.query, dialect=dialect)

    def _may(self, handler: BaseHTTPRequestHandler, repository: str, *, is_push: bool) -> bool:
        key = self.keys.get(repository)
        sent = handler.headers.get("Authorization", "")
        if not sent:
            return key is None and not is_push
        name, _, given = base64.b64decode(sent.removeprefix("Basic ")).decode().partition(":")
        self.signed_in.append(name)
        return given == key or (not is_push and given in self.tokens.get(repository, ()))


def _refuse(handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
    handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    handler.send_response(status)
    for name, value in {"Content-Length": "0", **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()


def _backend(handler: BaseHTTPRequestHandler, root: Path, *, path: str, query: str, dialect: str) -> None:
    size = int(handler.headers.get("Content-Length") or 0)
    body = _chunked(handler) if "chunked" in handler.headers.get("Transfer-Encoding", "") else handler.rfile.read(size)
    env = {
        "PATH": os.defpath,
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REQUEST_METHOD": handler.command,
        "REMOTE_USER": "ada",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": handler.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": handler.headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": dialect,
    }
    told = subprocess.run([BACKEND], env=env, input=body, capture_output=True, check=False).stdout
    head, _, content = told.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
    handler.send_response(int(headers.pop("Status", "200").split()[0]))
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def _chunked(handler: BaseHTTPRequestHandler) -> bytes:
    parts = []
    while size := int(handler.rfile.readline().split(b";")[0], 16):
        parts.append(handler.rfile.read(size))
        handler.rfile.readline()
    handler.rfile.readline()
    return b"".join(parts)


@contextmanager
def serve_git(root: Path) -> Iterator[GitServer]:
    """Serve the repositories beneath a folder, each at ``<owner>/<name>.git``."""
    served = GitServer(root)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            served.serve(self)

        do_POST = do_GET

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
