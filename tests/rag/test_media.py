# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What content is, said by its bytes."""

import pytest

from rag.engine.media import TextSniffer, media_type

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


def kind_of(path: str, content: bytes, *, piece: int = 1) -> tuple[str, str]:
    sniffer = TextSniffer()
    for start in range(0, len(content), piece):
        sniffer.feed(content[start : start + piece])
    encoding = sniffer.encoding(path)
    return media_type(path, head=content[:16], encoding=encoding), encoding


@pytest.mark.parametrize("piece", [1, 3, 4, 1000])
@pytest.mark.parametrize(
    ("path", "content", "kind", "encoding"),
    [
        ("a.md", "# Grüße 日本 👋".encode(), "text/markdown", "utf-8"),
        ("a.md", b"", "text/markdown", "utf-8"),
        ("a.md", "\ufeffhello".encode(), "text/markdown", "utf-8-sig"),
        ("a.txt", "hello".encode("utf-16"), "text/plain", "utf-16"),
        ("a.csv", "a;ü\n".encode("cp1252"), "text/csv", "cp1252"),
        ("a.unknown", b"plain words", "text/plain", "utf-8"),
        ("Makefile", b"all:\n", "text/plain", "utf-8"),
        ("a.py", b"print()", "text/x-python", "utf-8"),
        ("a.json", b"{}", "application/json", "utf-8"),
        ("a.png", PNG, "image/png", ""),
        ("a.txt", PNG, "image/png", ""),
        ("a.png", b"<script>alert(1)</script>", "text/plain", "utf-8"),
        ("a.txt", b"a\x00b", "application/octet-stream", ""),
        ("a.bin", b"\xff\xfe\xfd\xfc\x00", "application/octet-stream", ""),
        ("a.unknown", b"\xfc\xe9", "application/octet-stream", ""),
        ("a.md", b"cut \xe2\x82", "text/markdown", "cp1252"),
        ("a.pdf", b"%PDF-1.7\n\xff\x00", "application/pdf", ""),
        ("a.html", b"<html>", "text/html", "utf-8"),
        ("a.svg", b"<svg/>", "image/svg+xml", "utf-8"),
        ("a.zip", b"PK\x03\x04\x00", "application/zip", ""),
        ("a.txt", b"PK\x03\x04\x00", "application/octet-stream", ""),
    ],
)
def test_content_is_known_by_bytes_then_name(path: str, content: bytes, kind: str, encoding: str, piece: int) -> None:
    assert kind_of(path, content, piece=piece) == (kind, encoding)
