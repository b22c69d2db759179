# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Uploads and downloads over real sockets, through uvicorn."""

import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from codexos.asgi import application
from rag.operations.contents import read_text
from tests.factories import Someone, World
from tests.rag.conftest import count_rows, put

Kept = Callable[[], list[Path]]
FIVE_GB = 5 * 1024**3


@pytest.fixture
def port(committed_world: World) -> Iterator[int]:
    """Serve the product on a free port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(application, lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


def address(world: World, path: str = "a.bin") -> str:
    return f"/api/v1/projects/{world.project.id}/files/{path}"


def head_of(world: World, who: Someone | None, **headers: str) -> bytes:
    signed = {"Authorization": f"Bearer {who.token}"} if who else {}
    lines = [f"PUT {address(world)} HTTP/1.1", "Host: localhost"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in {**signed, **headers}.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def answer_on(line: socket.socket) -> HTTPResponse:
    response = HTTPResponse(line)
    response.begin()
    return response


def ask(port: int, method: str, path: str, who: Someone, **options: Any) -> tuple[HTTPResponse, bytes]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        headers = {"Authorization": f"Bearer {who.token}", **options.pop("headers", {})}
        connection.request(method, path, headers=headers, **options)
        response = connection.getresponse()
        return response, response.read()


def test_five_gigabytes_are_refused_before_any_is_sent(committed_world: World, port: int, kept: Kept) -> None:
    world = committed_world
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(head_of(world, world.dev, Content_Length=str(FIVE_GB), Expect="100-continue"))
        answer = answer_on(line)
        assert answer.status == 413
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["Connection"] == "close"
    assert kept() == []


def test_an_endless_chunked_body_is_cut_off(committed_world: World, port: int, kept: Kept, settings: Any) -> None:
    settings.FILE_SIZE_LIMIT = 1 << 20
    world = committed_world
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(head_of(world, world.dev, Transfer_Encoding="chunked"))
        assert sent_until_cut_off(line) < 100 << 20
    assert kept() == []
    assert count_rows(world) == (0, 0)


def sent_until_cut_off(line: socket.socket) -> int:
    chunk, sent = b"10000\r\n" + b"x" * 65536 + b"\r\n", 0
    while sent < 200 << 20:
        try:
            line.sendall(chunk)
        except OSError:
            break
        sent += len(chunk)
    return sent


def test_a_chunked_body_a_little_too_long_is_told_so(committed_world: World, port: int, settings: Any) -> None:
    settings.FILE_SIZE_LIMIT = 1000
    response, text = ask(
        port, "PUT", address(committed_world), committed_world.dev, body=iter([b"x" * 600, b"y" * 600]),
        headers={"Transfer-Encoding": "chunked"}, encode_chunked=True,
    )  # fmt: skip
    assert (response.status, b"file_too_large" in text) == (413, True)


def test_nobody_makes_the_server_take_in_much(committed_world: World, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(head_of(committed_world, None, Content_Length=str(50 << 20)))
        assert answer_on(line).status == 413


def test_a_chunked_upload_arrives_whole(committed_world: World, port: int) -> None:
    world = committed_world
    response, text = ask(
        port, "PUT", address(world, "a.md"), world.dev, body=iter([b"one ", b"two"]),
        headers={"Transfer-Encoding": "chunked"}, encode_chunked=True,
    )  # fmt: skip
    assert response.status == 201, text
    assert read_text(world.dev.actor, world.project.id, ["a.md"])[0][1] == "one two"


def test_an_upload_that_breaks_off_leaves_nothing(committed_world: World, port: int, kept: Kept) -> None:
    world = committed_world
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(head_of(world, world.dev, Content_Length="1000") + b"only this")
    time.sleep(0.3)
    assert kept() == []
    assert count_rows(world) == (0, 0)


def test_a_download_is_streamed(committed_world: World, port: int) -> None:
    world, content = committed_world, bytes(range(256)) * 40_000
    put(world.dev, world, "a.bin", content)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        response, got = ask(port, "GET", address(world), world.viewer)
        part = ask(port, "GET", address(world), world.viewer, headers={"Range": "bytes=256-511"})
    assert (response.status, got == content) == (200, True)
    assert (part[0].status, part[1]) == (206, bytes(range(256)))
    assert [str(warning.message) for warning in heard if "iterator" in str(warning.message)] == []
    response, got = ask(port, "HEAD", address(world), world.viewer)
    assert (response.headers["Content-Length"], got) == (str(len(content)), b"")
