# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""An answer's character set is a stranger's word: only those of texts are believed."""

import pytest

from codexos.kernel.http import HttpAnswer


def text_of(body: bytes, charset: str) -> str:
    return HttpAnswer(200, "https://a.example/", {"content-type": f"text/plain; charset={charset}"}, body).text


@pytest.mark.parametrize(
    "charset", ["utf-8", "utf-16", "latin-1", "ISO-8859-15", "windows-1252", "cp437", "iso-8859-9", "mac-roman"]
)
def test_character_sets_of_texts(charset):
    assert text_of("Zürich".encode(charset), charset) == "Zürich"


@pytest.mark.parametrize("charset", ["shift_jis", "euc-jp", "iso-2022-jp", "gb18030", "big5", "utf-8-sig", "utf-32"])
def test_character_sets_of_other_scripts(charset):
    assert text_of("中文".encode(charset), charset) == "中文"


@pytest.mark.parametrize(
    "charset", ["undefined", "idna", "punycode", "unicode_escape", "rot13", "zlib", "nonsense", "", "utf-8\x00"]
)
def test_what_is_no_character_set_is_read_as_utf_8(charset):
    # Some of these raise, some take hours over a text that a server made for it.
    assert text_of("Zürich \\x41".encode(), charset) == "Zürich \\x41"
