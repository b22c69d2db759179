# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What git says of the past is read; lines are told as they stand now; and what is fresh is nudged, never more."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rag.engine.git_log import LOG_WORDS, NAMES_WORDS, lines_of, read_log, read_names
from rag.engine.history import History, RecentChange, add_change, as_json, from_json
from rag.engine.ports import Hunk, PastChange
from rag.engine.recency import ASKED_NUDGE, NUDGE, Freshness, ago, asks_for_recent, explain, nudge, nudged

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)


def change(number: int, *hunks: tuple[int, int, int, int]) -> PastChange:
    """A change, so many days into the month."""
    at = datetime(2026, 5, number, tzinfo=UTC)
    return PastChange("a.py", f"c{number}", at, f"author {number}", f"subject {number}", tuple(Hunk(*h) for h in hunks))


def history(*changes: PastChange) -> History:
    """What comes of changes."""
    made = None
    for one in changes:
        made = add_change(made, one)
    assert made is not None
    return made


def test_lines_move_with_what_comes_above_them() -> None:
    made = history(change(1, (1, 30, 0, 0)), change(2, (10, 2, 10, 2)), change(3, (4, 5, 3, 0)))
    newest, middle, oldest = made.recent
    assert newest.lines == ((4, 8),)
    assert middle.lines == ((15, 16),)
    assert oldest.lines == ((1, 3), (9, 14), (17, 35))
    assert made.last_on(15, 15) == middle
    assert made.last_on(5, 20) == newest
    assert made.last_on(40, 50) is None


def test_lines_that_were_taken_away_are_nobodys() -> None:
    made = history(change(1, (1, 10, 0, 0)), change(2, (3, 0, 4, 3)))
    assert made.last.lines == ()
    assert made.recent[1].lines == ((1, 3), (4, 7))


def test_who_changed_it_how_often() -> None:
    made = history(change(1), change(2), change(2), change(3))
    assert (made.commits, made.last.commit) == (3, "c3")
    assert dict(made.authors) == {"author 1": 1, "author 2": 1, "author 3": 1}
    assert made.count_since(datetime(2026, 5, 2, tzinfo=UTC)) == 2
    assert from_json(as_json(made.last)) == made.last


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """An empty repository."""
    git(tmp_path, "init", "-q", "-b", "main")
    return tmp_path


def git(folder: Path, *words: str) -> bytes:
    """Run git as somebody."""
    env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "core.quotePath=false")
    return subprocess.run(["git", *who, *words], cwd=folder, env=env, check=True, capture_output=True).stdout


def commit(folder: Path, subject: str, **files: str) -> None:
    """Commit files; underscores of names stand for their dots."""
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", subject)


def test_gits_own_words(repository: Path) -> None:
    commit(repository, "Begin", a_py="one\ntwo\nthree\n", b_py="x\n")
    commit(repository, "Change", a_py="one\n2\nthree\nfour\n")
    # What looks like a patch inside of a file is none.
    commit(
        repository, "Trap", c_txt="--- a/zzz\n+++ b/zzz\n@@ -1 +1 @@\n\x01fake\x1f1\x1fme\x1fno\ndiff --git a/q b/q\n"
    )
    git(repository, "mv", "a.py", 'odd "näme.py')
    git(repository, "commit", "-q", "-m", "Move")
    git(repository, "rm", "-q", "b.py")
    git(repository, "commit", "-q", "-m", "Remove")
    found = list(read_log(lines_of([git(repository, *LOG_WORDS, "HEAD")])))
    assert [(one.subject, one.path, one.moved_from, one.is_removed) for one in found] == [
        ("Begin", "a.py", "", False),
        ("Begin", "b.py", "", False),
        ("Change", "a.py", "", False),
        ("Trap", "c.txt", "", False),
        ("Move", 'odd "näme.py', "a.py", False),
        ("Remove", "b.py", "", True),
    ]
    assert found[2].hunks == (Hunk(2, 1, 2, 1), Hunk(4, 1, 3, 0))
    assert {one.author for one in found} == {"Ada"}
    names = list(read_names(lines_of([git(repository, *NAMES_WORDS, "HEAD")])))
    assert [one.path for one in names][:3] == ["a.py", "b.py", "a.py"]


def test_lines_of_pieces() -> None:
    assert list(lines_of([b"a\nb", b"c\n", b"", b"d"])) == ["a", "bc", "d"]
    assert [len(line) for line in lines_of([b"x" * 9_000_000 + b"\ny"])] == [8_000, 1]


def fresh(days: float, *, commits: int = 1, on_lines: bool = False) -> Freshness:
    """What is known of something that was changed so many days ago."""
    at = RecentChange("c", NOW - timedelta(days=days), "Ada", "Mend it")
    return Freshness(at, commits, at if on_lines else None)


def test_a_nudge_raises_a_little_and_lowers_nothing() -> None:
    scores = [("old and right", 1.0), ("new and near", 0.98), ("new and far", 0.5), ("unknown", 0.97)]
    facts = {"old and right": fresh(900), "new and near": fresh(1, on_lines=True), "new and far": fresh(0)}
    order = nudged(scores, facts, now=NOW)
    assert [key for key, _ in order] == ["new and near", "old and right", "unknown", "new and far"]
    before = dict(scores)
    assert all(before[key] <= score <= before[key] * (1 + NUDGE) for key, score in order)


def test_asked_for_what_is_new_it_counts_more() -> None:
    asked = nudge(fresh(1, on_lines=True), now=NOW, is_asked=True)
    assert nudge(fresh(1, on_lines=True), now=NOW).factor < asked.factor <= 1 + ASKED_NUDGE
    assert asks_for_recent("what changed in auth last week?")
    assert asks_for_recent("Wer hat auth.py geändert")
    assert not asks_for_recent("where is auth?")


def test_freshness_falls_with_age_and_grows_with_changes() -> None:
    freshness = [nudge(fresh(days, on_lines=True), now=NOW).freshness for days in (0, 10, 100, 1000)]
    assert freshness == sorted(freshness, reverse=True)
    assert nudge(fresh(10, commits=9), now=NOW).freshness > nudge(fresh(10), now=NOW).freshness
    assert nudge(fresh(10, on_lines=True), now=NOW).freshness > nudge(fresh(10), now=NOW).freshness
    assert nudge(fresh(-5), now=NOW).factor <= 1 + NUDGE


def test_why_in_words() -> None:
    assert explain(fresh(2), now=NOW) == "changed 2 days ago by Ada: Mend it"
    said = explain(fresh(0.1, commits=4, on_lines=True), now=NOW)
    assert said == "these lines changed today by Ada: Mend it; 4 commits in 90 days"


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (0, "today"),
        (1, "1 day ago"),
        (13, "13 days ago"),
        (15, "2 weeks ago"),
        (70, "2 months ago"),
        (400, "1 year ago"),
    ],
)
def test_how_long_ago(days: int, said: str) -> None:
    assert ago(NOW - timedelta(days=days), now=NOW) == said
