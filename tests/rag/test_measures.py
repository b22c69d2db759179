# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is right, and how far down: measures by hand, golden questions as JSONL, and the gate."""

from math import log2
from typing import Any

import pytest

from rag.engine.gates import Gate
from rag.engine.golden import Expected, read_expected, read_lines, written_lines
from rag.engine.measures import difference, mean_of, measure
from rag.engine.passages import Citation
from rag.errors.golden import GoldenQuestionInvalid
from rag.errors.knowledge import KnowledgeBaseInvalid

KEA, MOA = Expected("kea.md", grade=3), Expected("moa.md", (10, 20))


def test_measures_are_what_a_hand_reckons() -> None:
    found = [Citation("x.md"), Citation("moa.md", lines=(18, 30)), Citation("kea.md"), Citation("kea.md")]
    now = measure([KEA, MOA], found, k=2)
    ideal = 7 / log2(2) + 1 / log2(3)
    assert (now.recall, now.mrr, now.rank) == (0.5, 0.5, 2)
    assert now.ndcg == pytest.approx((1 / log2(3) + 7 / log2(4)) / ideal, abs=1e-6), "a second kea adds nothing"
    best = measure([KEA, MOA], [Citation("kea.md"), Citation("moa.md", lines=(1, 10))], k=2)
    assert (best.recall, best.mrr, best.ndcg) == (1, 1, 1)
    none = measure([KEA, MOA], [Citation("moa.md", lines=(21, 22)), Citation("moa.md")], k=2)
    assert (none.recall, none.mrr, none.ndcg, none.rank) == (0, 0, 0, None)
    assert mean_of([best, none]) == {"recall": 0.5, "mrr": 0.5, "ndcg": 0.5}
    assert mean_of([]) == {"recall": 0, "mrr": 0, "ndcg": 0}
    assert difference(now.as_json(), best.as_json()).change == "worse"
    assert difference(now.as_json(), none.as_json()).change == "better"
    assert difference(now.as_json(), now.as_json()).change == "same"
    assert difference(now.as_json(), None).change == "new"


def test_questions_go_out_as_they_come_in() -> None:
    said = [("Wo brütet der Kea?", [KEA, MOA])]
    text = written_lines((question, [each.as_json() for each in places]) for question, places in said)
    assert list(read_lines(text)) == said
    assert list(read_lines("\n \n")) == []


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"question": "", "expected": [{"path": "a"}]}',
        '{"question": "a", "expected": []}',
        '{"question": "a", "expected": [{"path": "a", "line": 3}]}',
        '{"question": "a", "expected": [{"path": "a", "lines": [3, 2]}]}',
        '{"question": "a", "expected": [{"path": "a", "grade": 4}]}',
        '{"question": "a", "expected": [{"path": "a"}, {"path": "a", "grade": 2}]}',
        '{"question": "a", "expected": [{"path": "a"}], "k": 3}',
        "[" * 100_000,
    ],
)
def test_a_line_that_is_wrong_is_named(line: str) -> None:
    with pytest.raises(GoldenQuestionInvalid) as refused:
        list(read_lines("\n" + line))
    assert refused.value.details["errors"][0]["place"].startswith("line 2")


def test_lines_with_no_numbers_are_refused() -> None:
    with pytest.raises(GoldenQuestionInvalid):
        read_expected([{"path": "a", "lines": [True, 2]}])


def test_the_gate_says_why() -> None:
    now, was = {"ndcg": 0.5, "recall": 1.0, "mrr": 1.0}, {"ndcg": 0.6, "recall": 1.0, "mrr": 1.0}
    gate = Gate.from_json({"least": 0.4, "most_drop": 0.05})
    assert gate is not None
    assert gate.refusal(now, before=None) == ""
    assert "0.500 after 0.600" in gate.refusal(now, before=was)
    assert gate.refusal(was, before=now) == ""
    strict = Gate.from_json({"measure": "ndcg", "least": 0.55})
    assert strict is not None
    assert "0.550 at least" in strict.refusal(now, before=None)
    assert Gate.from_json(gate.as_json()) == gate
    assert Gate.from_json({}) is None


@pytest.mark.parametrize("said", [[], {"measure": "f1", "least": 1}, {"measure": "mrr"}, {"least": 2}, {"leest": 1}])
def test_a_gate_that_says_nothing_is_refused(said: Any) -> None:
    if said == []:
        said = [1]
    with pytest.raises(KnowledgeBaseInvalid):
        Gate.from_json(said)
