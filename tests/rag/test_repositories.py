# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Repositories as sources, over real git: what is listed, read, told of, refused, and never run."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codexos.kernel.http import EgressRefused
from codexos.kernel.ids import new_id
from rag.adapters.sources import git as git_source
from rag.adapters.sources.git import GitReader
from rag.adapters.sources.git_history import GitHistory
from rag.adapters.sources.git_process import Git
from rag.engine.ports import Delta, Hunk, Revision, SourcePlace
from rag.errors import DocumentGone
from rag.errors.sources import (
    GitFailed,
    SourceInvalid,
    SourceOverLimit,
    SourceRefused,
    SourceUnreachable,
    SourceVanished,
)
from tests.fakes.git_server import GitServer, git, make_repository, serve_git

KEY = "key-7f3a9c51e2d84b60"
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 12345\n"
FILES: dict[str, str | bytes] = {
    "app.py": "def add(a, b):\n    return a - b\n",
    "docs/a b.md": "# A\n",
    "big.txt": "x" * 3_000,
    "model.txt": POINTER,
    "logo.png": b"\x89PNG",
    ".gitattributes": "*.py filter=evil diff=evil\n",
}


class Hosted:
    """A repository at a host, and the checkout that its people push from."""

    def __init__(self, server: GitServer, name: str = "acme/birds") -> None:
        self.server, self.name = server, name
        self.bare = make_repository(server.root / f"{name}.git", FILES)
        self.work = self.bare.parent / f"{self.bare.name}.work"
        git(self.bare, "config", "uploadpack.allowFilter", "true")

    @property
    def url(self) -> str:
        return f"{self.server.url}/{self.name}.git"

    def push(self, subject: str, files: dict[str, str | None], *words: str) -> str:
        for path, text in files.items():
            if text is None:
                git(self.work, "rm", "-q", path)
            else:
                (self.work / path).parent.mkdir(parents=True, exist_ok=True)
                (self.work / path).write_text(text)
        git(self.work, "add", "-A")
        git(self.work, "commit", "-q", "-m", subject, *words)
        git(self.work, "push", "-qf", str(self.bare), "HEAD:main")
        return git(self.work, "rev-parse", "HEAD")


@pytest.fixture
def hosted(tmp_path: Path, settings: Any) -> Iterator[Hosted]:
    with serve_git(tmp_path / "remote") as running:
        settings.EGRESS_ALLOW = running.url.removeprefix("http://")
        yield Hosted(running)


def place_in(folder: Path, *, secret: str = "", **config: Any) -> SourcePlace:
    return SourcePlace(new_id(), new_id(), "git", folder / "cache", config, secret)


def reader_of(hosted: Hosted, folder: Path, *, secret: str = "", **config: Any) -> GitReader:
    return git_source.open_source(place_in(folder, secret=secret, **{"url": hosted.url, "file_bytes": 2_000, **config}))


def listed(delta: Delta) -> dict[str, str]:
    return {entry.path: entry.mark for entry in delta.entries}


def text_of(reader: GitReader, path: str, revision: Revision) -> str:
    content = reader.read(path, revision=revision, mark="")
    assert content is not None
    return b"".join(content.pieces).decode()


@pytest.mark.parametrize("speaks_newest", [True, False], ids=["version 2", "version 0"])
def test_a_repository_is_followed_from_commit_to_commit(hosted: Hosted, tmp_path: Path, speaks_newest: bool) -> None:
    hosted.server.speaks_newest = speaks_newest
    reader = reader_of(hosted, tmp_path)
    first = reader.look({})
    assert (first.is_whole, first.is_sure, first.revision.author, first.revision.subject) == (
        True,
        True,
        "Ada",
        "Begin",
    )
    marks = listed(first)
    assert set(marks) == set(FILES) - {"logo.png"}
    assert text_of(reader, "docs/a b.md", first.revision) == "# A\n"
    assert reader.read("app.py", revision=first.revision, mark=marks["app.py"]) is None

    asked = len(hosted.server.asked)
    same = reader.look(first.cursor)
    assert (same.is_whole, list(same.entries), list(same.removed)) == (False, [], [])
    assert len(hosted.server.asked) - asked <= 2, "nothing is fetched where nothing changed"

    git(hosted.work, "mv", "app.py", "sum.py")
    after = hosted.push("Move", {"new.py": "1\n", "docs/a b.md": None})
    second = reader.look(first.cursor)
    assert (second.is_whole, second.revision.commit, set(second.removed)) == (False, after, {"app.py", "docs/a b.md"})
    changed = {entry.path: entry for entry in second.entries}
    assert (set(changed), changed["sum.py"].moved_from) == ({"sum.py", "new.py"}, "app.py")
    assert changed["sum.py"].mark == marks["app.py"], "what only moved is known by its content"
    assert changed["new.py"].changed_at == second.revision.at
    assert text_of(reader, "docs/a b.md", first.revision) == "# A\n", "an older commit stays readable"
    with pytest.raises(DocumentGone):
        reader.read("docs/a b.md", revision=second.revision, mark="")
    reader.close()


def test_what_is_not_read_says_why(hosted: Hosted, tmp_path: Path) -> None:
    (hosted.work / "link.txt").symlink_to("/etc/passwd")
    git(hosted.work, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendored")
    hosted.push("More", {})
    entries = {entry.path: entry for entry in reader_of(hosted, tmp_path).look({}).entries}
    assert "LFS" in entries["model.txt"].skipped
    assert "2,000 bytes" in entries["big.txt"].skipped
    assert entries["app.py"].skipped == ""
    assert not {"link.txt", "vendored", "logo.png"} & set(entries)


def test_a_history_written_anew_is_listed_as_a_whole_by_the_same_marks(hosted: Hosted, tmp_path: Path) -> None:
    hosted.push("Second", {"new.py": "1\n"})
    reader = reader_of(hosted, tmp_path)
    before = reader.look({})
    marks = listed(before)
    hosted.push("Other", {"other.py": "2\n", "new.py": None}, "--amend")
    after = reader.look(before.cursor)
    assert (after.is_whole, after.is_sure) == (True, True)
    now = listed(after)
    assert {path: mark for path, mark in now.items() if marks.get(path) != mark}.keys() == {"other.py"}
    assert "new.py" not in now


def test_a_cache_that_is_gone_is_made_anew(hosted: Hosted, tmp_path: Path) -> None:
    first = reader_of(hosted, tmp_path).look({})
    elsewhere = reader_of(hosted, tmp_path / "elsewhere")
    assert text_of(elsewhere, "app.py", first.revision) == FILES["app.py"], "another machine reads what was listed"
    hosted.push("Second", {"new.py": "1\n"})
    after = reader_of(hosted, tmp_path / "third").look(first.cursor)
    assert (after.is_whole, listed(after)["app.py"]) == (True, listed(first)["app.py"])


def test_filters_and_branches_choose_what_is_read(hosted: Hosted, tmp_path: Path) -> None:
    git(hosted.work, "checkout", "-q", "-b", "next")
    (hosted.work / "docs" / "b.md").write_text("B\n")
    git(hosted.work, "add", "-A")
    git(hosted.work, "commit", "-q", "-m", "Next")
    git(hosted.work, "push", "-q", str(hosted.bare), "next")
    reader = reader_of(hosted, tmp_path, branch="next", path="docs", exclude=["a*"])
    found = reader.look({})
    assert (listed(found).keys(), found.revision.branch) == ({"docs/b.md"}, "next")
    assert reader.branches() == ["main", "next"]
    other = reader_of(hosted, tmp_path, branch="next").look(found.cursor)
    assert other.is_whole, "with another filter everything is looked at again"
    with pytest.raises(SourceVanished, match="gone"):
        reader_of(hosted, tmp_path, branch="gone").look({})


def test_history_tells_who_changed_what(hosted: Hosted, tmp_path: Path) -> None:
    hosted.push("Mend", {"app.py": "def add(a, b):\n    return a + b\n"}, "--author=Bo <bo@acme.example>")
    newest = reader_of(hosted, tmp_path, file_bytes=10_000).look({}).revision.commit
    history = GitHistory(tmp_path / "cache")
    *begin, mend = history.changes(since="", until=newest)
    assert {each.path for each in begin} == set(FILES)
    assert (mend.path, mend.author, mend.subject, mend.hunks) == ("app.py", "Bo", "Mend", (Hunk(2, 1, 2, 1),))
    assert list(history.changes(since=begin[0].commit, until=newest)) == [mend]
    blamed = history.blame("app.py", commit=newest, lines=(1, 2))
    assert [(each.lines, each.subject) for each in blamed] == [((1, 1), "Begin"), ((2, 2), "Mend")]
    assert history.blame("app.py", commit=newest, lines=(40, 50)) == []
    assert history.leads(since=begin[0].commit, until=newest)
    assert not history.leads(since="f" * 40, until=newest)
    with pytest.raises(GitFailed):
        history.changes(since="", until="--output=/tmp/x")


def test_history_goes_on_where_a_large_file_was_left_out(hosted: Hosted, tmp_path: Path) -> None:
    hosted.push("Mend", {"app.py": "1\n"})
    hosted.push("Grow", {"big.txt": "y" * 3_000, "docs/c.md": "C\n"})
    newest = reader_of(hosted, tmp_path, depth=2).look({}).revision.commit
    changes = GitHistory(tmp_path / "cache").changes(since="", until=newest)
    found = [(each.subject, each.path) for each in changes]
    assert found == [("Grow", "big.txt"), ("Grow", "docs/c.md")], "of the oldest that was fetched nothing is known"


def test_a_key_opens_a_repository_and_is_kept_nowhere(hosted: Hosted, tmp_path: Path) -> None:
    hosted.server.keys["acme/birds"] = KEY
    with pytest.raises(SourceRefused, match="vault"):
        reader_of(hosted, tmp_path).look({})
    with pytest.raises(SourceRefused, match="not valid") as refused:
        reader_of(hosted, tmp_path, secret="wrong").look({})
    assert "wrong" not in str(refused.value)
    reader = reader_of(hosted, tmp_path, secret=KEY)
    assert listed(reader.look({}))
    assert KEY not in repr(place_in(tmp_path, secret=KEY))
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert kept
    assert not any(KEY.encode() in path.read_bytes() for path in kept)


def test_a_key_goes_to_no_other_host_than_it_was_given_for(hosted: Hosted, tmp_path: Path, settings: Any) -> None:
    with serve_git(tmp_path / "remote") as other:
        settings.EGRESS_ALLOW = f"{settings.EGRESS_ALLOW},{other.url.removeprefix('http://')}"
        there = f"{other.url}/acme/birds.git/info/refs?service=git-upload-pack"
        hosted.server.refusals = [(302, {"Location": there})]
        assert listed(reader_of(hosted, tmp_path, secret=KEY).look({}))
        assert "POST" in {method for method, _ in other.asked}
        assert other.signed_in == []


def test_what_a_repository_says_of_itself_need_not_make_sense(hosted: Hosted, tmp_path: Path) -> None:
    crooked = os.fsdecode(b"caf\xe9.md")
    hosted.push("Begin", {crooked: "# Coffee\n", f"2{crooked}": "# Tea\n\nIs drunk warm.\n"})
    reader = reader_of(hosted, tmp_path)
    before = reader.look({})
    assert set(listed(before)) == set(FILES) - {"logo.png"}, "no such name can be kept"
    git(hosted.work, "mv", f"2{crooked}", "tea.md")
    last = hosted.push("Away", {crooked: None})
    said = git(hosted.work, "cat-file", "commit", last)
    said = said.replace("Ada <", "Ad\ufffd <").replace("author", "author", 1)
    head, _, _ = said.partition("\ncommitter")
    raw = head.replace("\ufffd", "\udce9").encode("utf-8", "surrogateescape")
    raw += b"\ncommitter Ad\xe9 <a@acme.example> 99999999999999 +0000\n\nNo\xe9l\n"
    tip = git(hosted.work, "hash-object", "-t", "commit", "--literally", "-w", "--stdin", stdin=raw)
    git(hosted.work, "push", "-qf", str(hosted.bare), f"{tip}:refs/heads/main")
    after = reader.look(before.cursor)
    texts = [after.revision.author, after.revision.subject, *after.removed]
    entries = {entry.path: entry for entry in after.entries}
    texts += [entry.moved_from for entry in entries.values()]
    assert set(entries) == {"tea.md"}
    for text in texts:
        text.encode()
    history = GitHistory(tmp_path / "cache")
    assert [change.path for change in history.changes(since="", until=tip)]
    reader.close()


def test_trouble_of_a_host_is_named(hosted: Hosted, tmp_path: Path) -> None:
    reader = reader_of(hosted, tmp_path)
    hosted.server.refusals = [(429, {"Retry-After": "40"})]
    with pytest.raises(SourceUnreachable) as busy:
        reader.look({})
    assert busy.value.details["retry_after_seconds"] == 40
    hosted.server.refusals = [(403, {})]
    with pytest.raises(SourceRefused):
        reader.look({})
    hosted.server.refusals = [(502, {})]
    with pytest.raises(SourceUnreachable):
        reader.look({})
    with pytest.raises(SourceVanished):
        reader_of(hosted, tmp_path / "2", url=f"{hosted.server.url}/acme/none.git").look({})
    hosted.server.refusals = [(302, {"Location": "http://169.254.169.254/x/info/refs"})]
    with pytest.raises(EgressRefused):
        reader.look({})
    assert listed(reader.look({})), "what went wrong once stands in no way later"


def test_a_private_address_is_not_reached(hosted: Hosted, tmp_path: Path, settings: Any) -> None:
    settings.EGRESS_ALLOW = ""
    with pytest.raises(EgressRefused):
        reader_of(hosted, tmp_path).look({})
    assert hosted.server.asked == []


def test_a_repository_that_is_too_large_is_read_in_part_or_refused(
    hosted: Hosted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = "".join(f"{number * 7919:x}" for number in range(60_000))
    hosted.push("Large", {"large.txt": noise})
    monkeypatch.setattr(git_source, "SMALL_FILE_BYTES", 2_000)
    limits = {"most_bytes": 20_000}
    place = place_in(tmp_path, url=hosted.url)
    config = git_source.read_repository(place.config)
    reader = GitReader(place, config, git_source.HttpRemote(hosted.url, **limits))
    entries = {entry.path: entry for entry in reader.look({}).entries}
    assert entries["large.txt"].skipped
    assert entries["app.py"].skipped == ""
    assert sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*.pack")) < 20_000
    git(hosted.bare, "config", "uploadpack.allowFilter", "false")
    other = GitReader(place_in(tmp_path / "2", url=hosted.url), config, git_source.HttpRemote(hosted.url, **limits))
    with pytest.raises(SourceOverLimit):
        other.look({})


def test_a_damaged_pack_leaves_nothing_behind(hosted: Hosted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = reader_of(hosted, tmp_path)
    whole = git_source.HttpRemote.ask

    def broken(self: Any, question: bytes) -> Any:
        if b"command=fetch" not in question:
            return whole(self, question)
        return _Answer([b"000dpackfile\n", b"0010\x01PACK\0\0\0\x02\0\0\0", b"0000"])

    monkeypatch.setattr(git_source.HttpRemote, "ask", broken)
    with pytest.raises(GitFailed):
        reader.look({})
    monkeypatch.undo()
    assert listed(reader.look({}))


class _Answer:
    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def __enter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    def __exit__(self, *_: object) -> None:
        return None


def test_two_readings_at_once_fetch_one_after_the_other(hosted: Hosted, tmp_path: Path) -> None:
    found: list[dict[str, str]] = []
    readers = [reader_of(hosted, tmp_path) for _ in range(3)]
    threads = [threading.Thread(target=lambda each=each: found.append(listed(each.look({})))) for each in readers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert found[0] == found[1] == found[2]
    assert len(list((tmp_path / "cache" / "repository" / "objects" / "pack").glob("*.pack"))) == 1


def test_git_reaches_nobody_and_is_told_nothing(
    hosted: Hosted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = reader_of(hosted, tmp_path)
    reader.look({})
    here = Git(tmp_path / "cache" / "repository")
    asked = len(hosted.server.asked)
    with pytest.raises(GitFailed, match="not allowed"):
        here.run("ls-remote", hosted.url)
    with pytest.raises(GitFailed):
        here.run("-c", "protocol.allow=always", "ls-remote", hosted.url)
    assert len(hosted.server.asked) == asked
    monkeypatch.setenv("CODEXOS_MASTER_KEY", "not-for-git")
    said = here.run("-c", "alias.tell=!env", "tell")
    assert "not-for-git" not in said
    assert "GIT_CONFIG_GLOBAL=/dev/null" in said


def test_a_repository_of_this_machine_is_read_where_its_operator_says_so(
    hosted: Hosted, tmp_path: Path, settings: Any
) -> None:
    local = str(hosted.work)
    settings.SOURCE_FOLDERS = []
    with pytest.raises(SourceInvalid, match="CODEXOS_SOURCE_FOLDERS"):
        reader_of(hosted, tmp_path, url=local)
    settings.SOURCE_FOLDERS = [str(tmp_path / "remote")]
    (hosted.work / ".git" / "hooks").mkdir(exist_ok=True)
    git(hosted.work, "config", "uploadpack.packObjectsHook", f"touch {tmp_path}/ran")
    git(hosted.work, "config", "core.fsmonitor", f"touch {tmp_path}/ran")
    found = reader_of(hosted, tmp_path, url=local).look({})
    assert "app.py" in listed(found)
    assert not (tmp_path / "ran").exists(), "what a repository says is run by nobody"
    (tmp_path / "way").symlink_to("/")
    with pytest.raises(SourceInvalid):
        reader_of(hosted, tmp_path, url=f"{tmp_path}/remote/../../etc")
    settings.SOURCE_FOLDERS = [str(tmp_path / "way" / "nowhere")]
    with pytest.raises(SourceInvalid):
        reader_of(hosted, tmp_path, url=local)
