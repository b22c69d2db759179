# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Settings about what may be reached: read at the start, refused with a sentence."""

import pytest

from codexos.env import Environment, SettingInvalid

NAME = "CODEXOS_X"


@pytest.mark.parametrize("text", ["", "http://127.0.0.1:8888", "https://search.example/searxng/", "http://[::1]:80"])
def test_web_addresses(text: str) -> None:
    assert Environment({NAME: text}).web_address(NAME) == text.rstrip("/")


@pytest.mark.parametrize(
    "text",
    ["127.0.0.1:8888", "ftp://a", "http://", "http://u:p4ss@a", "http://a/?k=p4ss", "http://a:x", "http://[", "x"],
)
def test_what_is_no_web_address_stops_the_process_and_is_not_repeated(text: str) -> None:
    with pytest.raises(SettingInvalid, match=NAME) as raised:
        Environment({NAME: text}).web_address(NAME)
    assert "p4ss" not in str(raised.value)


def test_openings_are_read_at_the_start() -> None:
    assert Environment({NAME: "10.0.0.0/8, [::1]:9"}).openings(NAME) == "10.0.0.0/8, [::1]:9"
    with pytest.raises(SettingInvalid, match=r"CODEXOS_X.*localhost"):
        Environment({NAME: "localhost:80"}).openings(NAME)


@pytest.mark.parametrize("text", ["sk-p4ss word", "sk-p4ss\nX-Injected: 1", "sk-p4ssü", "sk-p4ss\x00"])
def test_a_key_that_no_header_carries_stops_the_process_and_is_not_repeated(text: str) -> None:
    assert Environment({NAME: " sk-p4ss\n"}).bearer(NAME) == "sk-p4ss"
    with pytest.raises(SettingInvalid, match=NAME) as raised:
        Environment({NAME: text}).bearer(NAME)
    assert "p4ss" not in str(raised.value)
