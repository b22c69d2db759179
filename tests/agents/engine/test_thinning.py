# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Large values leave an entry and come back byte by byte; nothing that a step returns is taken for a reference."""

import pytest

from agents.engine.errors import JournalDiverged
from agents.engine.journal import decode_data, encode_data
from agents.engine.thinning import LARGE_BYTES, Thin, filled, thin
from codexos.kernel.jsontypes import JsonObject

LONG = "kākāpō " * LARGE_BYTES


def there_and_back(data: JsonObject) -> JsonObject:
    left, large = thin(data)
    read = decode_data(encode_data(left))
    return filled(read, large) if isinstance(read, Thin) else read


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"result": "x" * 20_000},
        {"result": LONG},
        {"result": {"status": 200, "body": LONG, "headers": {"a": "b"}}, "usage": {"input_tokens": 1}},
        {"messages": [{"role": "user", "content": LONG}, {"role": "user", "content": LONG}]},
        {"result": list(range(LARGE_BYTES))},
        {"result": {str(number): number for number in range(LARGE_BYTES)}},
        {"result": {"a": {"b": {"c": {"d": {"e": LONG}}}}}},
        {"result": ["x" * 1000] * 1000, "output": ["x" * 1000] * 1000},
        {"result": [[["holes"], "0" * 64]], "other": {"$blob": "0" * 64}},
        {"result": 10 ** (LARGE_BYTES // 20)},
    ],
    ids=lambda data: str(list(data)),
)
def test_what_is_thinned_comes_back_as_it_was(data: JsonObject) -> None:
    assert there_and_back(data) == data


def test_what_is_left_is_small_and_says_what_it_is() -> None:
    data: JsonObject = {"status": "succeeded", "output": {"text": LONG, "n": 1}, "usage": {"input_tokens": 3}}
    left, large = thin(data)
    assert (left["status"], left["usage"], left["output"]) == ("succeeded", {"input_tokens": 3}, {"text": None, "n": 1})
    assert len(encode_data(left)) < 300
    assert len(large) == 1


def test_small_data_is_not_even_copied() -> None:
    data: JsonObject = {"result": {"text": "x" * 200, "list": [1, 2, 3]}}
    assert thin(data)[0] is data
    assert encode_data(data).startswith(b"{")


def test_one_value_in_many_places_is_kept_once() -> None:
    assert len(thin({"result": LONG, "output": {"again": LONG}})[1]) == 1


def test_something_else_than_an_object_is_still_refused() -> None:
    with pytest.raises(JournalDiverged):
        decode_data(b'"text"')
