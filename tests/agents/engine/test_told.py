# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""An entry is written once: what that gives is what its data would be written as."""

import pytest

from agents.engine.errors import ToolResultInvalid
from agents.engine.journal import Told, decode_data, encode_data, joined, told
from agents.engine.tools import ToolSpec, kept_result
from codexos.kernel.jsontypes import JsonObject, JsonValue

TOOL = ToolSpec(name="T", description="", schema={})


@pytest.mark.parametrize("begun", [{}, {"result": [1, {"a": "ü"}]}])
@pytest.mark.parametrize("more", [{}, {"next": ["a", "b"], "set": {"x": None}}])
def test_what_is_joined_reads_as_if_it_had_been_written_whole(begun: JsonObject, more: JsonObject) -> None:
    assert joined(encode_data(begun), more) == encode_data({**begun, **more})


def test_what_was_told_is_not_written_again() -> None:
    data = told({"result": "Hi"})
    assert told(data) is data
    assert encode_data(data) is encode_data(data)


def test_what_is_made_of_it_anew_is_written_anew() -> None:
    data = told({"result": "Hi"})
    assert not isinstance({**data, "kept": 3}, Told)
    assert decode_data(encode_data({**data, "kept": 3})) == {"result": "Hi", "kept": 3}


@pytest.mark.parametrize("result", [None, "Hi", "half \ud800 a pair", {"a": (1, 2.5)}, ["\u0000", True]])
def test_a_tools_result_comes_with_how_the_journal_writes_it(result: JsonValue) -> None:
    done = kept_result(TOOL, result)
    assert done.written is not None
    assert b'{"result":%b}' % done.written == encode_data({"result": done.result})


def test_what_json_does_not_have_is_refused_before_it_is_written() -> None:
    with pytest.raises(ToolResultInvalid):
        kept_result(TOOL, {"a": float("nan")})
