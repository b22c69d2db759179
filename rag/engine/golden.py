# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Golden questions: what is asked, the places that are to be found for it, and the gate that is held against them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from codexos.kernel.jsontypes import JsonValue
from rag.engine.passages import Citation
from rag.errors.golden import GoldenQuestionInvalid

LONGEST = 500
MOST_PLACES = 20
MOST_QUESTIONS = 200
BEST_GRADE = 3
_LONGEST_PATH = 1000


@dataclass(frozen=True, slots=True)
class Expected:
    """A place that is to be found: a path, perhaps lines of it, and how good it is, from 1 to 3."""

    path: str
    lines: tuple[int, int] | None = None
    grade: int = 1

    def is_in(self, citation: Citation) -> bool:
        """Tell whether a passage is of this place: of the same path, and with one of the lines, where some are said."""
        if citation.path != self.path:
            return False
        if self.lines is None:
            return True
        # A passage that knows no lines, or counts them on a page, may be anywhere.
        if citation.lines is None or citation.page is not None:
            return False
        return citation.lines[0] <= self.lines[1] and self.lines[0] <= citation.lines[1]

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept and sent."""
        lines = {"lines": list(self.lines)} if self.lines else {}
        return {"path": self.path, **lines, "grade": self.grade}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """Return the place that ``as_json`` wrote down."""
        lines = kept.get("lines")
        return cls(kept["path"], (lines[0], lines[1]) if lines else None, kept.get("grade", 1))


def read_question(said: JsonValue, *, place: str = "question") -> str:
    """Return the text of a golden question. Raises GoldenQuestionInvalid."""
    text = " ".join(said.split()) if isinstance(said, str) else ""
    if not text or len(text) > LONGEST or "\0" in text:
        raise GoldenQuestionInvalid(place, f"A golden question is a text of 1 to {LONGEST} characters.")
    return text


def read_expected(said: JsonValue, *, place: str = "expected") -> list[Expected]:
    """Return the places that are said, strictly. Raises GoldenQuestionInvalid."""
    if not isinstance(said, list) or not 1 <= len(said) <= MOST_PLACES:
        raise GoldenQuestionInvalid(place, f'Say 1 to {MOST_PLACES} places, such as [{{"path": "docs/a.md"}}].')
    read = [_place(each, place=f"{place}[{number}]") for number, each in enumerate(said)]
    if len({(each.path, each.lines) for each in read}) < len(read):
        raise GoldenQuestionInvalid(place, "A place is said twice. Say each once, with its grade.")
    return read


def read_lines(text: str) -> Iterator[tuple[str, list[Expected]]]:
    """Yield the questions of a JSONL text, one an object on a line. Raises GoldenQuestionInvalid, naming the line."""
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        if not line.strip():
            continue
        at = f"line {number}"
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            raise GoldenQuestionInvalid(at, f"Line {number} is no JSON. Write one object on each line.") from None
        if not isinstance(said, dict) or set(said) - {"question", "expected"}:
            raise GoldenQuestionInvalid(at, f"Line {number} is to be an object of 'question' and 'expected'.")
        yield (
            read_question(said.get("question"), place=f"{at}: question"),
            read_expected(said.get("expected"), place=f"{at}: expected"),
        )


def written_lines(questions: Iterable[tuple[str, Sequence[Mapping[str, Any]]]]) -> str:
    """Return questions as JSONL, which ``read_lines`` reads."""
    return "".join(
        json.dumps({"question": text, "expected": list(expected)}, ensure_ascii=False) + "\n"
        for text, expected in questions
    )


def _place(said: JsonValue, *, place: str) -> Expected:
    if not isinstance(said, dict) or set(said) - {"path", "lines", "grade"}:
        raise GoldenQuestionInvalid(place, "A place is an object of 'path', 'lines' and 'grade'.")
    path, grade = said.get("path"), said.get("grade", 1)
    if not isinstance(path, str) or not path.strip() or len(path) > _LONGEST_PATH or "\0" in path:
        raise GoldenQuestionInvalid(f"{place}.path", "Say the path of a document, such as 'docs/release.md'.")
    if isinstance(grade, bool) or not isinstance(grade, int) or not 1 <= grade <= BEST_GRADE:
        raise GoldenQuestionInvalid(f"{place}.grade", f"A grade is 1, 2 or {BEST_GRADE}, the best.")
    return Expected(path.strip(), _lines(said.get("lines"), place=f"{place}.lines"), grade)


def _lines(said: JsonValue, *, place: str) -> tuple[int, int] | None:
    if said is None:
        return None
    numbers = said if isinstance(said, list) else []
    whole = [each for each in numbers if isinstance(each, int) and not isinstance(each, bool)]
    if len(numbers) != 2 or len(whole) != 2 or not 1 <= whole[0] <= whole[1] < 2**31:
        raise GoldenQuestionInvalid(place, "Lines are a pair: the first and the last, such as [10, 24].")
    return whole[0], whole[1]
