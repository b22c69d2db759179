# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""From bytes to text: by their mark, as UTF-8, or as what they most likely are; never with anything that is no text."""

import codecs
import re
from collections.abc import Iterator

from rag.adapters.parsing.raw import Raw, Unreadable

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE_BYTES = 64 * 1024
_PIECE_BYTES = 1024 * 1024
_LINE_END = re.compile("\r\n?|[\u0085\u2028\u2029]")
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\x0c\r\x1b\x08\x00"))
_HIGH = bytes(range(128, 256))
_RUN_OF_HIGH = re.compile(rb"[\x80-\xff]{3,}")
_MOST_CONTROLS, _MOST_NULS = 0.02, 0.1


def text_of(raw: Raw) -> str:
    """Return the whole text, its lines ended by line feeds. Raises Unreadable where it is none."""
    content = bytes(raw.content)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return clean(content.decode(encoding_of(content), "replace"))
    if "\x00" in text or text.startswith("\ufeff"):
        return clean(content.decode(encoding_of(content), "replace"))
    return clean(text)


def pieces_of(raw: Raw) -> Iterator[str]:
    """Yield the text as it stands, piece by piece."""
    decoder = codecs.getincrementaldecoder(encoding_of(raw.content[:_SAMPLE_BYTES], is_cut=True))("replace")
    for start in range(0, len(raw.content), _PIECE_BYTES):
        yield decoder.decode(raw.content[start : start + _PIECE_BYTES])
    yield decoder.decode(b"", True)


def clean(text: str) -> str:
    """Return text whose lines all readers count alike and that a database keeps."""
    return _NOT_TEXT.sub("", _LINE_END.sub("\n", text))


def encoding_of(content: bytes, *, is_cut: bool = False) -> str:
    """Return the encoding that the bytes are in, most likely. Raises Unreadable where they are no text."""
    if marked := next((name for mark, name in _MARKS if content.startswith(mark)), None):
        return marked
    sample = content[:_SAMPLE_BYTES]
    if wide := _wide(sample):
        return wide
    if _looks_binary(sample):
        raise Unreadable("binary")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(content, not is_cut)
    except UnicodeDecodeError:
        return _narrow(sample)
    return "utf-8"


def _wide(sample: bytes) -> str | None:
    # Most text has a zero in every other byte of UTF-16.
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    if half < 2:
        return None
    if odd > half * 0.3 and even < half * 0.05:
        return "utf-16-le"
    return "utf-16-be" if even > half * 0.3 and odd < half * 0.05 else None


def _looks_binary(sample: bytes) -> bool:
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    return controls > max(2, len(sample) * _MOST_CONTROLS) or sample.count(0) > len(sample) * _MOST_NULS


def _narrow(sample: bytes) -> str:
    high = len(sample) - len(sample.translate(None, _HIGH))
    together = sum(len(run) for run in _RUN_OF_HIGH.findall(sample))
    # Letters with marks stand alone among others in the languages of western Europe.
    if together * 3 < high:
        return _western(sample)
    return _guessed(sample) or _western(sample)


def _western(sample: bytes) -> str:
    return "latin-1" if any(byte in sample for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D)) else "cp1252"


def _guessed(sample: bytes) -> str | None:
    from charset_normalizer import from_bytes

    best = from_bytes(sample[:16_384]).best()
    return best.encoding if best else None
