# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The terms a text is found by: its words without endings and, of names in code, their parts beside the whole.

``getUserName``, ``get_user_name`` and "get the user's name" share the terms *get*, *user* and *name*. A name keeps
itself as one more term, so whoever asks for it letter by letter finds it first.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from rag.engine.stems import stem

LONGEST_TERM = 64
MOST_TERMS = 16_000
"""PostgreSQL tells no places apart behind the 16,383rd."""
_MOST_PLACES = 255
_MOST_PARTS = 8
# Scripts written without spaces are read in pairs of characters.
_UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_UNSPACED}]+|[^\W{_UNSPACED}]+(?:['’][^\W\d_]+)?")
_PAIRED = re.compile(f"[{_UNSPACED}]")
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_A-Za-z]+")
_WITHOUT_MEANING = (
    "a about am an and any are as at be been being but by can could did do does doing for from had has have having he "
    "her here hers him his how i if in into is it its just me my no nor not of off on or our ours own s she should so "
    "some such t than that the their theirs them then there these they this those to too up us very was we were what "
    "when where which while who whom whose why will with would you your yours"
)
STOP_WORDS = frozenset(_WITHOUT_MEANING.split())


@dataclass(frozen=True, slots=True)
class Term:
    """A term, and the place of its word among the words of the text, from 1. Parts of a name stand one by one."""

    text: str
    place: int


def terms_of(text: str, *, first_place: int = 1) -> Iterator[Term]:
    """Walk the terms of a text. Stop words are none, but each has had its place."""
    place = first_place - 1
    for word in _WORD.findall(_folded(text)):
        parts, whole = _parts_of(word)
        for part in parts:
            place += 1
            if part not in STOP_WORDS:
                yield Term(stem(part), place)
        if whole:
            yield Term(whole, place)


def question_terms(text: str) -> list[str]:
    """Return what a question is about, each once, in order. One of nothing but stop words asks for just these."""
    found = list(dict.fromkeys(term.text for term in terms_of(text)))
    return found or list(dict.fromkeys(part for word in _WORD.findall(_folded(text)) for part in _parts_of(word)[0]))


def names_in(text: str) -> list[str]:
    """Return the words of a text that are written as names in code are: *getUserName*, *user_name*, *HTTP2*."""
    return [word for word in _WORD.findall(text) if _parts_of(word)[1] and not _PAIRED.match(word)]


def search_vector(labels: Iterable[str], text: str) -> tuple[str, int]:
    """Return a text's terms as PostgreSQL reads a tsvector, and their number.

    What a text is called and stands under (its labels: title, headings, signature) comes first, and is marked ``A``.
    """
    places: dict[str, list[str]] = {}
    count, last = 0, 0
    for label in labels:
        for term in terms_of(label, first_place=last + 1):
            count, last = count + 1, term.place
            _note(places, term, mark="A")
    for term in terms_of(text, first_place=last + 2):
        count += 1
        if term.place > MOST_TERMS:
            break
        _note(places, term)
    return " ".join(f"'{term}':{','.join(stood)}" for term, stood in places.items()), count


def _note(places: dict[str, list[str]], term: Term, *, mark: str = "") -> None:
    stood = places.setdefault(term.text, [])
    if len(stood) < _MOST_PLACES and term.place <= MOST_TERMS:
        stood.append(f"{term.place}{mark}")


def _folded(text: str) -> str:
    """Take accents and forms of writing away; capitals still tell where names have their seams."""
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", "".join(each for each in apart if not unicodedata.combining(each)))


@lru_cache(maxsize=65_536)
def _parts_of(word: str) -> tuple[tuple[str, ...], str]:
    """Return the parts of a word in lowercase and, where it has several, the whole."""
    if _PAIRED.match(word):
        return tuple(word[at : at + 2] for at in range(max(1, len(word) - 1))), ""
    word = re.split("['’]", word, maxsplit=1)[0]
    if word.isalpha() and (word.islower() or word.isupper() or word.istitle()):
        return (word.casefold()[:LONGEST_TERM],), ""
    whole = word.replace("_", "").casefold()[:LONGEST_TERM]
    parts = tuple(part.casefold()[:LONGEST_TERM] for part in _PART.findall(word))
    if not whole:
        return (), ""
    if len(parts) < 2 or len(parts) > _MOST_PARTS or len(word) > LONGEST_TERM:
        return (whole,), ""
    return parts, whole
