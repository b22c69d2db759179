# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How much and how long: bodies, bombs, drips, redirects, secrets and certificates, against real servers."""

import gzip
import json
import time
import zlib

import pytest

from codexos.kernel.answers import Unpacker
from codexos.kernel.egress import EgressRefused
from codexos.kernel.errors import LimitReached
from codexos.kernel.http import (
    BlockingHttpClient,
    HttpClient,
    HttpLimits,
    RequestInvalid,
    ResponseTooLarge,
    Unreachable,
    gated_async_client,
    gated_client,
)
from tests.kernel.asking import CLOSED, opened
from tests.kernel.local_server import LocalServer, answer, redirect

OPEN = opened("127.0.0.0/8")
SMALL = HttpLimits(body_bytes=1000)


def dripping(head: bytes, drop: bytes, seconds: float = 0.05):
    def speech(asked):
        yield head
        while True:
            time.sleep(seconds)
            yield drop

    return speech


def test_a_question_arrives_as_it_was_asked(ask, server):
    reached = ask(
        OPEN, server.url("/v1?a=1#top"), method="POST", json={"x": "ü"}, params={"b": "2 3"}, headers={"X-K": "v"}
    )
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/v1?a=1&b=2+3")
    assert json.loads(asked.body) == {"x": "ü"}
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["x-k"] == "v"
    assert asked.headers["user-agent"] == "CodexOS"
    assert (reached.status, reached.is_success, reached.text) == (200, True, "reached")
    assert reached.headers["CONTENT-LENGTH"] == "7"


def test_forms_and_bytes_are_carried(ask, server):
    ask(OPEN, server.url(), method="POST", form={"name": "a&b"})
    ask(OPEN, server.url(), method="PUT", content=b"\x00\xff", headers={"content-type": "application/x-own"})
    assert [asked.body for asked in server.asked] == [b"name=a%26b", b"\x00\xff"]
    assert server.asked[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert server.asked[1].headers["content-type"] == "application/x-own"


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops", "204 No Content"])
def test_every_status_is_an_answer_not_an_error(ask, status):
    with LocalServer(lambda asked: [answer(b"", status=status)]) as server:
        reached = ask(OPEN, server.url())
    assert reached.status == int(status[:3])
    assert reached.is_success is (reached.status == 204)


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"method": "CONNECT"}, "method"),
        ({"method": "GET / HTTP/1.1\r\nX:"}, "method"),
        ({"headers": {"Host": "other.example"}}, "Host"),
        ({"headers": {"Transfer-Encoding": "chunked"}}, "Transfer-Encoding"),
        ({"headers": {"content-length": "0"}}, "content-length"),
        ({"headers": {"Proxy-Authorization": "x"}}, "Proxy-Authorization"),
        ({"headers": {"X-Name": "Zürich"}}, "X-Name"),
        ({"headers": {"X-Split": "canary\r\nX-Injected: b"}}, "X-Split"),
        ({"method": "POST", "json": {}, "form": {}}, "content"),
    ],
)
def test_what_would_cut_a_message_in_two_is_not_sent(ask, server, options, place):
    with pytest.raises(RequestInvalid) as raised:
        ask(OPEN, server.url(), **options)
    assert (raised.value.details["errors"][0]["place"], "canary" in raised.value.message) == (place, False)
    assert server.asked == []


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_body_beyond_the_limit_is_not_taken(ask, packed):
    def speech(asked):
        body = b"x" * int(asked.path[1:])
        return [answer(gzip.compress(body), Content_Encoding="gzip") if packed else answer(body)]

    with LocalServer(speech) as server:
        with pytest.raises(ResponseTooLarge) as raised:
            ask(OPEN, server.url("/1001"), limits=SMALL)
        assert isinstance(raised.value, LimitReached)
        assert ask(OPEN, server.url("/1000"), limits=SMALL).body == b"x" * 1000


def test_a_body_without_an_announced_length_is_cut_off_too(ask):
    sent = []

    def speech(asked):
        yield b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
        for _ in range(10_000):
            sent.append(1)
            yield b"x" * 10_000

    with LocalServer(speech) as server:
        with pytest.raises(ResponseTooLarge):
            ask(OPEN, server.url(), limits=SMALL)
        assert len(sent) < 10_000, "it did not wait for all 100 MB"


def test_a_bomb_is_stopped_while_it_goes_off(ask):
    bomb = gzip.compress(b"\0" * 200_000_000, compresslevel=9)
    with LocalServer(lambda asked: [answer(bomb, Content_Encoding="gzip")]) as server:
        started = time.monotonic()
        with pytest.raises(ResponseTooLarge):
            ask(OPEN, server.url(), limits=HttpLimits(body_bytes=1_000_000))
    assert len(bomb) < 250_000
    assert time.monotonic() - started < 1


def test_a_bomb_is_never_held_in_memory_at_once():
    unpacker = Unpacker("gzip", host="bomb.example", limit_bytes=10**9)
    assert max(len(piece) for piece in unpacker.feed(gzip.compress(b"\0" * 10_000_000))) <= 65_536


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body)[2:-4]),
        ("identity", bytes),
    ],
    ids=["gzip", "x-gzip", "deflate", "bare-deflate", "identity"],
)
def test_packed_bodies_are_unpacked_even_byte_by_byte(ask, encoding, pack):
    body = bytes(range(256)) * 20

    def speech(asked):
        whole = answer(pack(body), Content_Encoding=encoding)
        return [whole] if asked.path == "/whole" else (whole[n : n + 1] for n in range(len(whole)))

    with LocalServer(speech) as server:
        for path in ("/whole", "/drop"):
            reached = ask(OPEN, server.url(path))
            assert reached.body == body
            assert ("content-encoding" in reached.headers) is (encoding == "identity")


@pytest.mark.parametrize(
    "reply",
    [
        answer(b"abc", Content_Encoding="br"),
        answer(gzip.compress(gzip.compress(b"abc")), Content_Encoding="gzip, gzip"),
        answer(gzip.compress(b"abc" * 100)[:-9], Content_Encoding="gzip"),
        answer(b"not packed at all", Content_Encoding="gzip"),
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"",
    ],
    ids=["br", "twice", "broken-off", "not-packed", "no-http", "short", "nothing"],
)
def test_nonsense_is_unreachable(ask, reply):
    class Hangup(OSError): ...

    def speech(asked):
        yield reply
        raise Hangup

    with LocalServer(speech) as server, pytest.raises(Unreachable):
        ask(OPEN, server.url())


def test_headers_have_a_limit(ask):
    def speech(asked):
        return [answer(X_Long="x" * int(asked.path[1:]))]

    with LocalServer(speech) as server:
        with pytest.raises(ResponseTooLarge, match="headers"):
            ask(OPEN, server.url("/70000"))
        with pytest.raises((ResponseTooLarge, Unreachable)):
            ask(OPEN, server.url("/2000000"))
        assert ask(OPEN, server.url("/60000")).status == 200


DRIPS = {
    "body": dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x"),
    "chunks": dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "headers": dripping(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
    "continues": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "packed": dripping(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x10\0\0\0\0\0\0", b"x"),
}


@pytest.mark.parametrize("what", DRIPS)
def test_a_server_that_drips_for_ever_is_left(ask, what):
    with LocalServer(DRIPS[what]) as server:
        started = time.monotonic()
        with pytest.raises(Unreachable, match="in time"):
            ask(OPEN, server.url(), limits=HttpLimits(total_seconds=0.4, idle_seconds=10))
        assert 0.35 < time.monotonic() - started < 1.5


def test_a_server_that_falls_silent_is_left_sooner(ask):
    def speech(asked):
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"
        time.sleep(5)

    with LocalServer(speech) as server:
        started = time.monotonic()
        with pytest.raises(Unreachable):
            ask(OPEN, server.url(), limits=HttpLimits(idle_seconds=0.2))
        assert time.monotonic() - started < 1.5


def test_a_name_server_that_never_answers_is_left(ask):
    def slow(host, port):
        time.sleep(1)
        return ["127.0.0.1"]

    started = time.monotonic()
    with pytest.raises(Unreachable):
        ask(OPEN, "http://slow.example/", client={"resolver": slow}, limits=HttpLimits(total_seconds=0.2))
    assert time.monotonic() - started < 0.9


def test_redirects_share_one_deadline(ask):
    def speech(asked):
        time.sleep(0.15)
        return [redirect("/again")]

    with LocalServer(speech) as server:
        with pytest.raises(Unreachable):
            ask(OPEN, server.url(), limits=HttpLimits(total_seconds=0.5, redirects=50))
        assert len(server.asked) <= 4


def test_nobody_is_sent_round_in_circles(ask):
    with LocalServer(lambda asked: [redirect("/again")]) as server:
        with pytest.raises(EgressRefused, match="too often"):
            ask(OPEN, server.url(), limits=HttpLimits(redirects=3))
        assert len(server.asked) == 4


def test_without_redirects_the_redirect_is_the_answer(ask):
    with LocalServer(lambda asked: [redirect("http://10.0.0.1/")]) as server:
        reached = ask(OPEN, server.url(), limits=HttpLimits(redirects=0))
    assert (reached.status, reached.headers["location"]) == (302, "http://10.0.0.1/")


SECRETS = {"Authorization": "Bearer s3cret", "Cookie": "a=s3cret", "X-Api-Key": "s3cret", "Accept": "text/plain"}


def test_secrets_stay_with_the_origin_they_were_meant_for(ask):
    with LocalServer() as other, LocalServer(lambda asked: [redirect(other.url("/there"))]) as first:
        ask(OPEN, first.url(), headers=SECRETS)
    assert first.asked[0].headers["authorization"] == "Bearer s3cret"
    assert "s3cret" not in str(other.asked)
    assert other.asked[0].headers["accept"] == "text/plain"


def test_secrets_travel_within_their_origin(ask):
    with LocalServer(lambda asked: [answer() if asked.path == "/b" else redirect("/b")]) as server:
        ask(OPEN, server.url("/a"), headers=SECRETS)
    assert [asked.headers["x-api-key"] for asked in server.asked] == ["s3cret", "s3cret"]


@pytest.mark.parametrize("status", ["307 Temporary Redirect", "308 Permanent Redirect"])
def test_content_is_not_handed_to_another_origin(ask, status):
    with LocalServer() as other, LocalServer(lambda asked: [redirect(other.url(), status=status)]) as first:
        with pytest.raises(EgressRefused, match="redirected the content"):
            ask(OPEN, first.url(), method="POST", content=b"s3cret")
        assert other.connections == 0


@pytest.mark.parametrize(("status", "method", "body"), [("303 See Other", "GET", b""), ("307 Again", "POST", b"data")])
def test_what_a_redirect_makes_of_a_post(ask, status, method, body):
    with LocalServer(lambda asked: [answer() if asked.path == "/b" else redirect("/b", status=status)]) as server:
        ask(OPEN, server.url("/a"), method="POST", content=b"data")
    assert (server.asked[1].method, server.asked[1].body) == (method, body)


def test_cookies_of_one_answer_are_not_sent_with_the_next_request():
    with (
        LocalServer(lambda asked: [answer(Set_Cookie="session=alice; Path=/")]) as server,
        BlockingHttpClient(OPEN) as client,
    ):
        client.request("GET", server.url())
        client.request("GET", server.url())
        with gated_client(OPEN) as lent:
            lent.get(server.url())
            lent.get(server.url())
    assert len(server.asked) == 4
    assert all("cookie" not in asked.headers for asked in server.asked)


async def test_a_stream_is_read_while_it_is_still_being_said():
    def speech(asked):
        yield b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\ndata: one\n\ndata: t"
        time.sleep(0.3)
        yield b"wo\n\n"

    with LocalServer(speech) as server:
        async with HttpClient(OPEN) as client, client.stream("GET", server.url()) as stream:
            started = time.monotonic()
            lines = []
            async for line in stream.lines():
                lines.append(line)
                if len(lines) == 1:
                    assert time.monotonic() - started < 0.2
                if line == "data: two":
                    break
    assert lines == ["data: one", "", "data: two"]


def test_a_stream_is_read_by_threads_too():
    with (
        LocalServer(lambda asked: [answer(b"one\ntwo\n")]) as server,
        BlockingHttpClient(OPEN) as client,
        client.stream("GET", server.url()) as stream,
    ):
        assert list(stream.lines()) == ["one", "two"]


@pytest.mark.parametrize("pieces", [1, 2, 3, 1000])
def test_lines_end_where_lines_end_and_nowhere_else(pieces):
    said = 'a\r\n\n{"text": "one\u2028two\x0bthree\x85"}\nlast ü'.encode()
    body = answer(said)
    speech = [body[n : n + pieces] for n in range(0, len(body), pieces)]
    with (
        LocalServer(lambda asked: speech) as server,
        BlockingHttpClient(OPEN) as client,
        client.stream("GET", server.url()) as stream,
    ):
        assert list(stream.lines()) == ["a", "", '{"text": "one\u2028two\x0bthree\x85"}', "last ü"]


async def test_connections_are_kept_and_the_kept_one_needs_no_second_look_up():
    looked_up = []
    resolver = {"resolver": lambda host, port: looked_up.append(host) or ["127.0.0.1"]}
    with LocalServer() as server:
        async with HttpClient(OPEN, **resolver) as client:
            for _ in range(3):
                await client.request("GET", server.url(host="kept.example"))
    assert (server.connections, len(server.asked), looked_up) == (1, 3, ["kept.example"])


async def test_clients_lent_to_libraries_have_the_same_gate():
    with (
        LocalServer() as inside,
        LocalServer(lambda asked: [redirect(inside.url(), X="1")], host="127.0.0.2") as outside,
    ):
        policy = opened("127.0.0.2")
        async with gated_async_client(policy) as lent:
            with pytest.raises(EgressRefused):
                await lent.get(inside.url())
            with pytest.raises(EgressRefused):
                await lent.get(outside.url(), follow_redirects=True)
            with pytest.raises(EgressRefused, match="Host header"):
                await lent.get(outside.url(), headers={"Host": "inside.example"})
        with gated_client(policy) as lent, pytest.raises(EgressRefused):
            lent.get(outside.url(), follow_redirects=True)
        assert inside.connections == 0
        with gated_client(OPEN, limits=SMALL) as lent:
            assert lent.get(outside.url(), follow_redirects=True).text == "reached"


def test_an_error_does_not_repeat_the_secrets_of_its_address(ask):
    with pytest.raises(EgressRefused) as refused:
        ask(CLOSED, "http://127.0.0.1:9/path?api_key=s3cret")
    with pytest.raises(Unreachable) as unreachable:
        ask(OPEN, "http://127.0.0.1:9/path?api_key=s3cret")
    for error in (refused.value, unreachable.value):
        assert "s3cret" not in f"{error} {error.details}"


def test_answers_are_read_as_text_and_json(ask):
    replies = {
        "/latin": answer("Zürich".encode("latin-1"), Content_Type="text/plain; charset=ISO-8859-1"),
        "/odd": answer("Zürich".encode(), Content_Type="text/plain; charset=nonsense"),
        "/json": answer(b'{"a": [1]}'),
        "/deep": answer(b"[" * 100_000),
    }
    with LocalServer(lambda asked: [replies[asked.path]]) as server:
        assert ask(OPEN, server.url("/latin")).text == "Zürich"
        assert ask(OPEN, server.url("/odd")).text == "Zürich"
        assert ask(OPEN, server.url("/json")).json() == {"a": [1]}
        for path in ("/latin", "/deep"):
            with pytest.raises(Unreachable, match="JSON"):
                ask(OPEN, server.url(path)).json()
