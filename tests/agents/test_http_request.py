# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""HTTPRequest against a real server: what is sent, what comes back, and what is refused."""

import asyncio
import gzip
import hashlib
import itertools
import json
import threading
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from agents.adapters.tools.http_request import BODY_BYTES, HTTPRequest
from agents.adapters.tools.http_result import TEXT_BESIDE_JSON
from agents.adapters.tools.http_secrets import secrets_of
from agents.engine.errors import ToolCallInvalid
from agents.engine.gate import Occasion
from agents.engine.tools import check_arguments, kept_result
from agents.errors import ToolFailed, ToolUnavailable
from codexos.kernel.http import EgressPolicy, EgressRefused, RequestInvalid, ResponseTooLarge, Unreachable
from tests.kernel.asking import CLOSED, opened
from tests.kernel.local_server import Asked, LocalServer, answer, redirect

CANARY = "canary-7f3a9c51e2"
BOMB = gzip.compress(bytes(200_000_000), 9)


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


def as_json(value: Any, **headers: str) -> bytes:
    return answer(json.dumps(value).encode(), Content_Type="application/json; charset=utf-8", **headers)


async def call(url: str, *, policy: EgressPolicy | None = None, resolver: Any = None, **arguments: Any) -> Any:
    """Call the tool as a step does: arguments and result checked."""
    options = {"resolver": resolver} if resolver else {}
    tool = HTTPRequest(policy or opened("127.0.0.1"), **options)
    asked = {"url": url, **arguments}
    check_arguments(tool.spec, asked)
    result = await asyncio.wait_for(tool.call(asked, on=Occasion("run-1-step")), 20)
    kept_result(tool.spec, result)
    return result


async def test_a_get_gives_status_headers_text_and_json(server: LocalServer) -> None:
    server.speech = lambda asked: [as_json({"a": [1, None]}, X_Kind="One", Set_Cookie="sid=abcdef")]
    result = await call(server.url("/a?b=1#c"), query={"q": "ä ö", "n": 2, "on": True, "list": ["x", "y"]})
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("GET", "/a?b=1&q=%C3%A4+%C3%B6&n=2&on=true&list=x&list=y")
    assert "idempotency-key" not in asked.headers
    assert (result["status"], result["json"], result["text"]) == (200, {"a": [1, None]}, '{"a": [1, null]}')
    assert result["headers"]["x-kind"] == "One"
    assert "set-cookie" not in result["headers"]


@pytest.mark.parametrize(
    ("body", "kind", "sent"),
    [
        ({"json": {"a": 1}}, "application/json", b'{"a":1}'),
        ({"text": "Grüße"}, "text/plain; charset=utf-8", "Grüße".encode()),
        ({"form": {"a": "1 2", "b": [3, False]}}, "application/x-www-form-urlencoded", b"a=1+2&b=3&b=false"),
        ({"json": None}, "application/json", b"null"),
    ],
)
async def test_bodies(server: LocalServer, body: dict[str, Any], kind: str, sent: bytes) -> None:
    await call(server.url(), method="POST", **body)
    assert (server.asked[0].headers["content-type"], server.asked[0].body) == (kind, sent)


async def test_a_content_type_of_the_flow_wins(server: LocalServer) -> None:
    await call(server.url(), method="PUT", text="<a/>", headers={"content-type": "text/xml"})
    assert server.asked[0].headers["content-type"] == "text/xml"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_every_write_carries_its_key(server: LocalServer, method: str) -> None:
    await call(server.url(), method=method)
    await call(server.url(), method=method, headers={"idempotency-key": "mine"})
    assert [asked.headers["idempotency-key"] for asked in server.asked] == ["run-1-step", "mine"]


@pytest.mark.parametrize(
    ("arguments", "may"),
    [
        ({}, True),
        ({"method": "HEAD"}, True),
        ({"method": "OPTIONS"}, True),
        ({"method": "POST"}, False),
        ({"method": "DELETE"}, False),
        ({"method": "POST", "idempotent": True}, True),
        ({"method": "POST", "idempotent": "yes"}, False),
    ],
)
def test_which_calls_may_be_made_again(arguments: dict[str, Any], may: bool) -> None:
    assert HTTPRequest(CLOSED).spec.may_repeat({"url": "https://a.example", **arguments}) is may


async def test_what_is_not_text_is_named_and_not_kept(server: LocalServer) -> None:
    picture = b"\x89PNG\r\n\x00\xff"
    server.speech = lambda asked: [answer(picture, Content_Type="image/png")]
    result = await call(server.url())
    assert (result["text"], result["json"]) == (None, None)
    assert (result["size"], result["content_type"]) == (len(picture), "image/png")
    assert result["sha256"] == hashlib.sha256(picture).hexdigest()


@pytest.mark.parametrize(
    "broken",
    [b"{", b"NaN", b"[1e999]", b"[" * 50_000, b"9" * 5000, b"", b"[" * 90 + b"]" * 90, b"[" * 900 + b"]" * 900],
)
async def test_json_that_is_none_is_text(server: LocalServer, broken: bytes) -> None:
    server.speech = lambda asked: [answer(broken, Content_Type="application/json")]
    result = await call(server.url())
    assert (result["json"], result["text"]) == (None, broken.decode())


async def test_a_large_json_is_kept_once(server: LocalServer) -> None:
    server.speech = lambda asked: [as_json(["word"] * 100_000)]
    result = await call(server.url())
    assert (len(result["json"]), len(result["text"]), result["truncated"]) == (100_000, TEXT_BESIDE_JSON, True)


@pytest.mark.parametrize(("status", "error"), [(400, ToolFailed), (404, ToolFailed), (410, ToolFailed)])
async def test_a_refusal_fails_the_step_readably(server: LocalServer, status: int, error: type[Exception]) -> None:
    server.speech = lambda asked: [answer(b"no such\n  bird\x00", status=f"{status} No", Content_Type="text/plain")]
    with pytest.raises(error, match=rf"GET to '127\.0\.0\.1' was answered with {status} .*: no such bird\. ") as raised:
        await call(server.url("/secret/path"))
    assert "/secret/path" not in str(raised.value)
    assert (await call(server.url(), accept_errors=True))["status"] == status


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503, 599])
async def test_what_may_pass_is_told_so(server: LocalServer, status: int) -> None:
    server.speech = lambda asked: [answer(b"busy", status=f"{status} X", Retry_After="7")]
    with pytest.raises(ToolUnavailable, match="Retry-After 7") as raised:
        await call(server.url())
    assert raised.value.retryable
    assert raised.value.details["retry_after_seconds"] == 7


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"json": 1, "text": "x"}, RequestInvalid),
        ({"headers": {"Host": "other"}}, RequestInvalid),
        ({"headers": {"X": "a\r\nInjected: b"}}, RequestInvalid),
        ({"headers": {"X Y": "a"}}, RequestInvalid),
        ({"method": "CONNECT"}, ToolCallInvalid),
        ({"method": "get"}, ToolCallInvalid),
        ({"timeout_seconds": 1e9}, ToolCallInvalid),
        ({"headers": {"X": {}}}, ToolCallInvalid),
        ({"surprise": 1}, ToolCallInvalid),
    ],
)
async def test_wrong_calls_are_refused_before_anything_is_sent(
    server: LocalServer, arguments: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await call(server.url(), **arguments)
    assert server.asked == []


@pytest.mark.parametrize(
    "url", ["", "kakapo", "file:///etc/passwd", "ftp://a.example", "http://", "http://[", "//a.example"]
)
async def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises((RequestInvalid, ToolCallInvalid)):
        await call(url)


async def test_a_private_address_is_refused_with_the_way_to_allow_it(server: LocalServer) -> None:
    with pytest.raises(EgressRefused, match="CODEXOS_EGRESS_ALLOW can open it"):
        await call(server.url(), policy=CLOSED)
    with pytest.raises(EgressRefused):
        await call(f"http://user:{CANARY}@127.0.0.1:{server.port}/")
    assert server.connections == 0


async def test_a_redirect_to_a_private_address_is_refused(server: LocalServer) -> None:
    with (
        LocalServer(lambda asked: [redirect(server.url())], host="127.0.0.2") as outside,
        pytest.raises(EgressRefused),
    ):
        await call(outside.url(), policy=opened("127.0.0.2"))
    assert server.connections == 0


async def test_a_name_that_changes_its_mind_is_refused(server: LocalServer) -> None:
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])

    def resolver(_host: str, _port: int) -> list[str]:
        return next(answers)

    await call(server.url(host="rebind.example"), resolver=resolver)
    with pytest.raises(EgressRefused):
        await call(server.url(host="rebind.example"), resolver=resolver)


async def test_a_redirect_to_elsewhere_takes_no_secret_along(server: LocalServer) -> None:
    with LocalServer(host="127.0.0.2") as elsewhere:
        server.speech = lambda asked: [redirect(elsewhere.url("/there"))]
        result = await call(
            server.url(), policy=opened("127.0.0.1,127.0.0.2"), headers={"Authorization": f"Bearer {CANARY}"}
        )
    assert result["url"] == elsewhere.url("/there")
    assert "authorization" not in elsewhere.asked[0].headers


async def test_a_redirect_to_elsewhere_is_refused_where_strangers_led_to_the_call(server: LocalServer) -> None:
    with LocalServer(host="127.0.0.2") as elsewhere:
        server.speech = lambda asked: [redirect(elsewhere.url("/there"))]
        tool = HTTPRequest(opened("127.0.0.1,127.0.0.2"))
        with pytest.raises(EgressRefused, match=r"'127\.0\.0\.2' may not be reached.*Call the other address by itself"):
            await tool.call({"url": server.url()}, on=Occasion("k", labels=frozenset({"tool:WebFetch"})))
    assert elsewhere.asked == []


def for_ever(asked: Asked) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
    yield from itertools.repeat(b"x" * 65_536)


def bomb(asked: Asked) -> Iterator[bytes]:
    yield answer(BOMB, Content_Encoding="gzip", Content_Type="text/plain")


def huge_headers(asked: Asked) -> Iterator[bytes]:
    yield answer(**{f"X_{n}": "y" * 900 for n in range(80)})


def announced(asked: Asked) -> Iterator[bytes]:
    yield answer(b"x", Content_Length=str(BODY_BYTES + 1))


@pytest.mark.parametrize("speech", [for_ever, bomb, huge_headers, announced])
async def test_too_much_is_refused_with_little_memory(server: LocalServer, speech: Any) -> None:
    server.speech = speech
    tracemalloc.start()
    with pytest.raises(ResponseTooLarge, match="Ask for less"):
        await call(server.url())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 25_000_000


async def test_a_drip_ends_at_the_time_that_was_given(server: LocalServer) -> None:
    heard = threading.Event()

    def drip(asked: Asked) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
        for _ in range(1000):
            yield b"x"
            if heard.wait(0.02):
                return

    server.speech = drip
    with pytest.raises(Unreachable, match="did not answer in time"):
        await call(server.url(), timeout_seconds=0.3)
    heard.set()


async def test_a_write_that_broke_off_says_that_it_may_have_happened(server: LocalServer) -> None:
    def hang_up(asked: Asked) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"
        raise OSError

    server.speech = hang_up
    with pytest.raises(Unreachable, match="may have happened"):
        await call(server.url(), method="POST")
    with pytest.raises(Unreachable) as raised:
        await call(server.url(), method="POST", idempotent=True)
    assert "may have happened" not in str(raised.value)


SECRETS: list[dict[str, Any]] = [
    {"headers": {"Authorization": f"Bearer {CANARY}"}},
    {"headers": {"X-Api-Key": CANARY}},
    {"headers": {"Cookie": f"sid={CANARY}; theme=dark"}},
    {"headers": {"X-Unheard-Of": CANARY}},
    {"query": {"api_key": CANARY}},
    {"json": {"user": "u", "deep": [{"password": CANARY}]}},
    {"form": {"client_secret": CANARY}},
    {"text": f"password={CANARY}&user=u"},
    {"text": json.dumps({"password": CANARY})},
]


@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: str(secret)[:40])
def test_what_is_written_down_of_a_call_holds_no_secret(secret: dict[str, Any]) -> None:
    shown = HTTPRequest(CLOSED).spec.shown({"url": f"https://a.example/?token={CANARY}", "method": "POST", **secret})
    assert CANARY not in json.dumps(shown)
    assert shown["method"] == "POST"


@pytest.mark.parametrize(
    "body",
    [{"text": "word " * 400_000}, {"json": ["word"] * 400_000}, {"text": "[" * 900 + "]" * 900}, {"json": "x" * 10**6}],
)
def test_of_a_long_body_only_the_beginning_is_written_down(body: dict[str, Any]) -> None:
    assert len(json.dumps(HTTPRequest(CLOSED).spec.shown({"url": "https://a.example", **body}))) < 5_000


def test_words_and_dates_in_headers_stay_in_answers() -> None:
    arguments = {"headers": {"X-Tenant": "production", "X-Version": "2022-11-28", "X-Unheard-Of": CANARY}}
    said = secrets_of(arguments).redact(f"production since 2022-11-28, {CANARY}")
    assert said.startswith("production since 2022-11-28, ")
    assert CANARY not in said


@pytest.mark.parametrize("secret", SECRETS, ids=str)
async def test_a_server_that_repeats_a_secret_does_not_bring_it_back(
    server: LocalServer, secret: dict[str, Any]
) -> None:
    def repeat(asked: Asked) -> list[bytes]:
        said = f"{asked.path} {dict(asked.headers)} {asked.body.decode()}"
        return [as_json({"said": said}, status="400 No", X_Said=asked.path)]

    server.speech = repeat
    with pytest.raises(ToolFailed) as raised:
        await call(server.url(), method="POST", **secret)
    assert CANARY not in str(raised.value) + json.dumps(raised.value.details)
    assert CANARY not in json.dumps(await call(server.url(), method="POST", accept_errors=True, **secret))


@pytest.mark.parametrize(
    "wrong",
    [
        {"headers": f"X-Mine: {CANARY}"},
        {"headers": {"Authorization": [CANARY]}},
        {"json": {"password": CANARY}, "no": 1},
    ],
)
def test_a_wrong_call_is_told_without_its_secrets(wrong: dict[str, Any]) -> None:
    with pytest.raises(ToolCallInvalid) as raised:
        check_arguments(HTTPRequest(CLOSED).spec, {"url": "https://a.example", **wrong})
    assert CANARY not in str(raised.value) + json.dumps(raised.value.details)


async def test_a_header_that_cannot_be_sent_is_told_without_its_value(server: LocalServer) -> None:
    with pytest.raises(RequestInvalid) as raised:
        await call(server.url(), headers={"Authorization": f"{CANARY}\n"})
    assert CANARY not in str(raised.value) + json.dumps(raised.value.details)
