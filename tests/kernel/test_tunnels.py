# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Programs outside the house leave through a proxy that lets nothing else through than its policy says."""

import asyncio
import re
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from codexos.kernel.client_hello import NotTls, read_client_hello
from codexos.kernel.egress import EgressPolicy
from codexos.kernel.tunnels import Passage, TunnelLimits, TunnelProxy
from tests.kernel.asking import CLOSED, opened
from tests.kernel.certificates import certificate_for
from tests.kernel.local_server import Asked, LocalServer, answer

LOCAL = opened("127.0.0.1")
GOOD = "good.example"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate_for(GOOD, tmp_path_factory.mktemp("tls"))


@pytest.fixture
def secure(certificate: Path) -> Iterator[LocalServer]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with LocalServer(tls=tls) as server:
        yield server


def hi(_asked: Asked) -> Iterator[bytes]:
    """Say hi, and hang up."""
    yield answer(b"hi")
    raise ConnectionError


class Way:
    """A proxy that is listening, what it told, and a program that speaks through it."""

    def __init__(self, path: Path, told: list[Passage]) -> None:
        self.path = path
        self.told = told

    async def say(self, *pieces: bytes) -> bytes:
        """Send bytes as they are, and read until the other side is done."""
        reader, writer = await asyncio.open_unix_connection(self.path)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        said = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        return said

    async def fetch(self, target: str, *, named: str, trusting: Path) -> bytes:
        """Ask for a tunnel, and for ``/`` through TLS that names ``named``."""
        return await asyncio.to_thread(self._fetch, target, named, trusting)

    def _fetch(self, target: str, named: str, trusting: Path) -> bytes:
        tls = ssl.create_default_context(cafile=str(trusting))
        tls.check_hostname = False
        with socket.socket(socket.AF_UNIX) as plain:
            plain.settimeout(10)
            plain.connect(str(self.path))
            plain.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
            said = plain.recv(4096)
            if b" 200 " not in said:
                return said
            with tls.wrap_socket(plain, server_hostname=named) as stream:
                stream.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                return stream.recv(4096)


@asynccontextmanager
async def way(tmp_path: Path, policy: EgressPolicy, **more: Any) -> AsyncIterator[Way]:
    told: list[Passage] = []
    resolver: Callable[[str, int], list[str]] = more.pop("resolver", lambda host, port: ["127.0.0.1"])
    proxy = TunnelProxy(policy, tell=told.append, resolver=resolver, **more)
    async with proxy.listening(tmp_path / "out.sock") as path:
        yield Way(path, told)


def refusal(said: bytes) -> str:
    head, _, body = said.partition(b"\r\n\r\n")
    return f"{head.split(b' ', 2)[1].decode()} {body.decode().strip()}"


async def test_a_tunnel_leads_to_the_server_that_was_asked_for(
    tmp_path: Path, secure: LocalServer, certificate: Path
) -> None:
    async with way(tmp_path, LOCAL) as out:
        said = await out.fetch(f"{GOOD}:{secure.port}", named=GOOD, trusting=certificate)
    assert said.endswith(b"reached")
    (passage,) = out.told
    assert (passage.method, passage.host, passage.port, passage.refused) == ("CONNECT", GOOD, secure.port, None)
    assert passage.sent_bytes > 200
    assert passage.received_bytes > 500
    assert f"{GOOD}:{secure.port}: let through" in str(passage)


async def test_tls_that_names_another_server_is_cut_before_it_is_sent(
    tmp_path: Path, secure: LocalServer, certificate: Path
) -> None:
    async with way(tmp_path, LOCAL) as out:
        with pytest.raises(OSError):
            await out.fetch(f"{GOOD}:{secure.port}", named="evil.example", trusting=certificate)
    assert secure.asked == []
    (passage,) = out.told
    assert passage.sent_bytes == 0
    assert passage.refused == f"TLS names 'evil.example', and '{GOOD}' was asked for"


async def test_only_tls_goes_through_a_tunnel(tmp_path: Path, secure: LocalServer) -> None:
    hello = f"CONNECT {GOOD}:{secure.port} HTTP/1.1\r\n\r\n".encode()
    async with way(tmp_path, LOCAL) as out:
        assert b"reached" not in await out.say(hello, b"GET / HTTP/1.1\r\n\r\n")
    assert (secure.asked, out.told[0].sent_bytes) == ([], 0)
    assert out.told[0].refused == "only TLS is let through: it does not speak TLS"


@pytest.mark.parametrize(
    ("policy", "host"),
    [
        (CLOSED, "inside.example"),
        (CLOSED, "127.0.0.1"),
        (CLOSED, "2130706433"),
        (CLOSED, "[::ffff:127.0.0.1]"),
        (opened("127.0.0.1", only_hosts=frozenset({"*.other.example"})), "inside.example"),
        (EgressPolicy(local_only=True), "93.184.215.14"),
    ],
)
@pytest.mark.parametrize("ask", ["CONNECT {0}:{1} HTTP/1.1\r\n\r\n", "GET http://{0}:{1}/ HTTP/1.1\r\n\r\n"])
async def test_what_the_policy_closes_is_not_reached(tmp_path: Path, policy: EgressPolicy, host: str, ask: str) -> None:
    with LocalServer(hi) as server:
        async with way(tmp_path, policy) as out:
            said = refusal(await out.say(ask.format(host, server.port).encode()))
            # The wall is what keeps it: without it, the same request arrives.
            assert server.connections == 0
        if "GET" in ask and not policy.local_only:
            async with way(tmp_path, opened("127.0.0.1,::ffff:127.0.0.1")) as out:
                await out.say(ask.format("inside.example", server.port).encode())
            assert server.connections == 1
    assert re.match("403 .*(may not be reached|is written as)", said)


async def test_a_name_is_looked_up_once(tmp_path: Path) -> None:
    answers = iter([["93.184.215.14"], ["127.0.0.1"]])
    looked: list[str] = []

    def lying(host: str, port: int) -> list[str]:
        looked.append(host)
        return next(answers)

    with LocalServer() as server:
        limits = TunnelLimits(connect_seconds=0.2)
        async with way(tmp_path, CLOSED, resolver=lying, limits=limits) as out:
            await out.say(f"GET http://rebound.example:{server.port}/ HTTP/1.1\r\n\r\n".encode())
        assert (server.connections, looked) == (0, ["rebound.example"])


async def test_a_plain_request_says_the_host_it_is_sent_to_and_nothing_follows_it(tmp_path: Path) -> None:
    with LocalServer(hi) as server:
        first = f"POST http://a.example:{server.port}/x?y=1 HTTP/1.1\r\nHost: b.example\r\nProxy-Connection: close\r\n"
        second = b"Content-Length: 4\r\n\r\nbodyGET http://c.example/ HTTP/1.1\r\n\r\n"
        async with way(tmp_path, LOCAL) as out:
            said = await out.say(first.encode() + second)
    assert said.endswith(b"hi")
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/x?y=1", b"body")
    assert asked.headers["host"] == f"a.example:{server.port}"
    assert "proxy-connection" not in asked.headers


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "400"),
        (b"CONNECT good.example HTTP/1.1\r\n\r\n", "400"),
        (b"CONNECT u:p@good.example:443 HTTP/1.1\r\n\r\n", "400"),
        (b"GET http://a.example/ HTTP/2\r\n\r\n", "400"),
        (b"GET https://a.example/ HTTP/1.1\r\n\r\n", "400"),
        (b"POST http://a.example/ HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n", "400"),
        (b"POST http://a.example/ HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n", "400"),
        (b"POST http://a.example/ HTTP/1.1\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n", "400"),
        (b"POST http://a.example/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "411"),
        (b"GET http://a.example/x\nHost:b.example HTTP/1.1\r\n\r\n", "400"),
        (b"GET http://a.example/ HTTP/1.1\r\nX: 1\nHost: b.example\r\n\r\n", "400"),
        (b"\x16\x03\x01" + b"x" * 20_000, "400"),
    ],
)
async def test_what_is_no_request_to_a_proxy_is_told_so(tmp_path: Path, said: bytes, status: str) -> None:
    async with way(tmp_path, LOCAL) as out:
        assert refusal(await out.say(said)).startswith(status)
        assert out.told[0].sent_bytes == 0


async def test_more_bytes_than_allowed_are_cut_off(tmp_path: Path) -> None:
    with LocalServer(lambda asked: [answer(b"x" * 500_000, Connection="close")]) as server:
        limits = TunnelLimits(connection_bytes=100_000)
        async with way(tmp_path, LOCAL, limits=limits) as out:
            said = await out.say(f"GET http://a.example:{server.port}/ HTTP/1.1\r\n\r\n".encode())
    assert len(said) <= 100_000
    assert out.told[0].refused == "more bytes than a run may exchange"


async def test_a_run_has_only_so_many_connections(tmp_path: Path) -> None:
    with LocalServer(hi) as server:
        ask = f"GET http://a.example:{server.port}/ HTTP/1.1\r\n\r\n".encode()
        async with way(tmp_path, LOCAL, limits=TunnelLimits(all_connections=1)) as out:
            assert (await out.say(ask)).endswith(b"hi")
            assert refusal(await out.say(ask)) == "429 this run has too many connections"


async def test_closing_the_proxy_ends_what_is_under_way(tmp_path: Path) -> None:
    came = threading.Event()
    with LocalServer(lambda asked: came.set() or []) as server:
        async with way(tmp_path, LOCAL) as out:
            reader, writer = await asyncio.open_unix_connection(out.path)
            writer.write(f"GET http://a.example:{server.port}/ HTTP/1.1\r\n\r\n".encode())
            assert await asyncio.to_thread(came.wait, 10)
        assert await asyncio.wait_for(reader.read(), 10) == b""
        assert not out.path.exists()
        writer.close()


@pytest.mark.parametrize("cut", [0, 3, 6, 40, 60, 100])
def test_a_hello_that_is_cut_short_is_none(cut: int) -> None:
    whole = hello_of(GOOD)
    assert read_client_hello(whole).server_name == GOOD
    with pytest.raises(NotTls):
        read_client_hello(whole[:cut])


def test_a_hidden_name_is_seen() -> None:
    whole = hello_of(GOOD)
    grown = _with_extension(whole, 0xFE0D, b"\0\0\0\0")
    assert read_client_hello(grown).hides_a_name
    assert not read_client_hello(whole).hides_a_name


def hello_of(name: str) -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    return outgoing.read()


def _with_extension(record: bytes, kind: int, body: bytes) -> bytes:
    """Put one extension more behind the others, and make every length around it fit again."""
    more = kind.to_bytes(2) + len(body).to_bytes(2) + body
    at = 5 + 4 + 2 + 32
    at += 1 + record[at]
    at += 2 + int.from_bytes(record[at : at + 2])
    at += 1 + record[at]
    extensions = record[at + 2 :] + more
    hello = record[9:at] + len(extensions).to_bytes(2) + extensions
    return record[:3] + (len(hello) + 4).to_bytes(2) + record[5:6] + len(hello).to_bytes(3) + hello
