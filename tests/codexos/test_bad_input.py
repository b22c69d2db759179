# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What no database or program can hold is refused at the door with a clear answer, never a crash."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from tests.codexos import probe
from tests.codexos.test_problems import check_problem
from tests.factories import World

pytestmark = pytest.mark.usefixtures("probes")

BODIES: dict[str, tuple[bytes, int]] = {
    "a name twice": (b'{"name": "a", "name": "b"}', 400),
    "NUL by escape": (rb'{"name": "a\u0000b"}', 422),
    "NUL as a byte": (b'{"name": "a\x00b"}', 400),
    "NUL in a key": (rb'{"name": "a", "k\u0000": 1}', 422),
    "NUL deep inside": (rb'{"name": "a", "items": [{"x": ["\u0000"]}]}', 422),
    "half a surrogate pair": (rb'{"name": "\ud800"}', 422),
    "half a pair the other way": (rb'{"name": "\udc00\ud800"}', 422),
    "nested 10,000 deep": (b"[" * 10_000 + b"]" * 10_000, 400),
    "nested 200 deep": (b'{"items":' * 200 + b"1" + b"}" * 200, 400),
    "an integer of 10,000 digits": (b'{"name": ' + b"9" * 10_000 + b"}", 400),
    "an integer of 65 bits": (b'{"name": 18446744073709551616}', 400),
    "NaN": (b'{"name": NaN}', 400),
    "infinity": (b'{"name": -Infinity}', 400),
    "a float beyond floats": (b'{"name": 1e999}', 400),
    "not UTF-8": (b'{"name": "\xff"}', 400),
    "UTF-16": ('{"name": "a"}'.encode("utf-16"), 400),
    "a surrogate as bytes": (b'{"name": "\xed\xa0\x80"}', 400),
    "half a document": (b'{"name": ', 400),
    "a list": (b"[]", 422),
    "a word": (b'"a"', 422),
    "null": (b"null", 422),
    "nothing": (b"", 422),
    "3 MB": (b'"' + b"a" * 3_000_000 + b'"', 413),
}


@pytest.mark.parametrize(("body", "status"), BODIES.values(), ids=BODIES.keys())
def test_bad_bodies(world: World, api: Callable[..., APIClient], body: bytes, status: int) -> None:
    answer = api(world.dev).post("/api/v1/probe/", body, content_type="application/json")
    check_problem(answer, status)
    assert probe.calls == []


def test_a_whole_surrogate_pair_is_good(world: World, api: Callable[..., APIClient]) -> None:
    answer = api(world.dev).post("/api/v1/probe/", rb'{"name": "\ud83d\ude00"}', content_type="application/json")
    assert answer.json()["name"] == "😀"


@pytest.mark.parametrize("address", ["/api/v1/probe/?q=%00", "/api/v1/pro%00be/", "/api/v1/probe/teams/?cursor=a%00"])
def test_nul_in_addresses(world: World, api: Callable[..., APIClient], address: str) -> None:
    client = api(world.dev)
    path, _, query = address.partition("?")
    extra: dict[str, Any] = {"QUERY_STRING": query} if query else {}
    check_problem(client.get(path, **extra), 400)


def test_nul_in_the_address_of_a_page(db: None) -> None:
    assert Client().get("/a%00b/", headers={"Accept": "text/html"}).status_code == 400


@pytest.mark.parametrize("length", ["5,5", "-1", "five", "5 5"])
def test_content_length_must_be_one_number(world: World, api: Callable[..., APIClient], length: str) -> None:
    answer = api(world.dev).generic("POST", "/api/v1/probe/", b"{}", "application/json", CONTENT_LENGTH=length)
    check_problem(answer, 400)


def test_invalid_utf8_in_addresses_is_no_crash(world: World, api: Callable[..., APIClient]) -> None:
    assert api(world.dev).get("/api/v1/probe/", QUERY_STRING="q=%FF%ED%A0%80").status_code == 200
    check_problem(api(world.dev).get("/api/v1/%FF%FE/"), 404)
