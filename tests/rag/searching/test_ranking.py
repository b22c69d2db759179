# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How words and meaning come together, without a database."""

import re
from uuid import UUID

import pytest

from rag.engine.fusion import Candidate, Scored, Statistics, fused, looks_like_code, ranks, words_weight
from rag.engine.globs import glob_regex
from rag.engine.joining import joined
from rag.engine.passages import Mode
from rag.engine.strategies import LARGE_FROM, SMALL_BELOW, is_large
from rag.engine.variety import twins_last, varied

OF = Statistics(chunks=100, average_terms=50, holding={"rare": 2, "common": 60}, background=0.2)


def _candidate(number: int, *, near: float | None = 0.2, sha256: str = "", **stood: tuple[int, int]) -> Candidate:
    return Candidate(UUID(int=number), UUID(int=1000 + number), sha256, near, stood, 50)


def _order(scored: list[Scored]) -> list[int]:
    return [each.candidate.chunk_id.int for each in scored]


def test_rare_words_and_titles_count_more() -> None:
    common, rare = _candidate(1, common=(0, 3)), _candidate(2, rare=(0, 1))
    named = _candidate(3, rare=(1, 0))
    assert _order(fused([common, rare, named], ["rare", "common"], OF, mode=Mode.EXACT)) == [3, 2, 1]


def test_words_alone_leave_out_what_holds_none() -> None:
    assert _order(fused([_candidate(1, near=0.99), _candidate(2, rare=(0, 1))], ["rare"], OF, mode=Mode.EXACT)) == [2]


def test_meaning_alone_looks_at_no_word() -> None:
    both = [_candidate(1, near=0.5), _candidate(2, near=0.4, rare=(3, 9))]
    assert _order(fused(both, ["rare"], OF, mode=Mode.SEMANTIC)) == [1, 2]
    assert _order(fused(both, ["rare"], OF, mode=Mode.HYBRID)) == [2, 1]


def test_scores_lie_between_nothing_and_one() -> None:
    best = fused([_candidate(1, near=1.0, rare=(9, 99))], ["rare"], OF, mode=Mode.HYBRID)[0]
    assert 0.9 < best.score <= 1
    assert fused([_candidate(1, near=0.2)], ["rare"], OF, mode=Mode.HYBRID)[0].score == 0


def test_each_leg_has_its_own_places() -> None:
    scored = fused([_candidate(1, near=0.9), _candidate(2, near=0.1, rare=(0, 2))], ["rare"], OF, mode=Mode.HYBRID)
    by_words, by_meaning = ranks(scored)
    assert by_words == {UUID(int=2): 1}
    assert by_meaning == {UUID(int=1): 1, UUID(int=2): 2}


def test_code_is_told_from_prose() -> None:
    assert looks_like_code(["def read(self, name):\n    return self._rows[name]"])
    assert not looks_like_code(["The wing is placed in a slipstream (see above), and its lift is measured."])
    assert words_weight("read a file", is_code=True) < words_weight("read_file", is_code=True)


def test_copies_come_last() -> None:
    found = [_candidate(1, near=0.9, sha256="a"), _candidate(2, near=0.8, sha256="a"), _candidate(3, near=0.1)]
    assert _order(twins_last(fused(found, [], OF, mode=Mode.SEMANTIC))) == [1, 3, 2]


def test_variety_takes_what_is_different() -> None:
    scored = fused([_candidate(n, near=0.9 - n / 100) for n in (1, 2, 3)], [], OF, mode=Mode.SEMANTIC)
    holds = {UUID(int=1): frozenset("ab"), UUID(int=2): frozenset("ab"), UUID(int=3): frozenset("xy")}
    assert _order(varied(scored, holds, share=0.0, most=2)) == [1, 2]
    assert _order(varied(scored, holds, share=0.5, most=2)) == [1, 3]


@pytest.mark.parametrize(
    ("pattern", "taken", "left"),
    [
        ("src/**/*.py", ["src/a.py", "src/b/c.py"], ["a.py", "src/a.pyc", "xsrc/a.py"]),
        ("*.md", ["a.md", "docs/a.md"], ["a.mdx"]),
        ("docs/", ["docs/a.md", "docs/b/c"], ["doc/a.md"]),
        ("./a?.txt", ["ab.txt"], ["a.txt", "a/.txt"]),
        ("a+(b).txt", ["a+(b).txt"], ["aab.txt"]),
    ],
)
def test_patterns_of_paths(pattern: str, taken: list[str], left: list[str]) -> None:
    expression = re.compile(glob_regex(pattern))
    assert all(expression.search(path) for path in taken)
    assert not any(expression.search(path) for path in left)


def test_chunks_become_one_text_again() -> None:
    assert joined(["one two three four five", "three four five six seven"]) == "one two three four five six seven"
    assert joined(["one", "two"]) == "one\ntwo"
    assert joined([]) == ""


def test_an_index_that_breathes_stays_what_it_is() -> None:
    assert not is_large(LARGE_FROM - 1, was_large=False)
    assert is_large(LARGE_FROM, was_large=False)
    assert is_large(SMALL_BELOW, was_large=True)
    assert not is_large(SMALL_BELOW - 1, was_large=True)
