# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a workspace holds, how two states of it differ, and where its bytes are kept: true without any disk."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from agents.engine.workspaces.contents import (
    GAP_BYTES,
    LONGEST_READ,
    Kept,
    Place,
    new_paths,
    read_kept_state,
    stretches,
    write_kept,
)
from agents.engine.workspaces.diffs import diff_bytes, diff_file, is_missing_from, patch_of
from agents.engine.workspaces.errors import WorkspacePathInvalid
from agents.engine.workspaces.manifests import (
    FILE,
    FOLDER,
    LINK,
    MOST_TOLD,
    PROGRAM,
    FileState,
    compare,
    told_changes,
    tree_hash,
    visible,
)
from agents.engine.workspaces.paths import file_to_write, workspace_folder, workspace_path


def state(content: bytes, mode: str = FILE) -> FileState:
    return FileState(mode, hashlib.sha256(content).hexdigest(), len(content))


def test_the_same_files_share_a_hash_however_they_were_listed() -> None:
    one = {"a": state(b"1"), "b/c": state(b"2")}
    assert tree_hash(one) == tree_hash(dict(reversed(one.items())))
    others = [
        {"a": state(b"1"), "b/d": state(b"2")},
        {"a": state(b"1"), "b/c": state(b"3")},
        {"a": state(b"1", PROGRAM), "b/c": state(b"2")},
        {"a": state(b"1")},
    ]
    assert len({tree_hash(each) for each in [one, *others]}) == 5


def test_what_changed_is_told_without_what_git_keeps_for_itself() -> None:
    before = {"kept": state(b"1"), "gone": state(b"2"), ".git/index": state(b"3")}
    after = {
        "kept": state(b"1", PROGRAM),
        "new": state(b"2"),
        ".git/index": state(b"4"),
        "empty": FileState(FOLDER, "", 0),
    }
    changes = compare(before, after)
    assert [(each.kind, each.path) for each in visible(changes)] == [
        ("removed", "gone"),
        ("changed", "kept"),
        ("added", "new"),
    ]
    assert len(changes) == 5
    many = compare({}, {f"f{number:03}": state(b"") for number in range(MOST_TOLD + 7)})
    assert told_changes(many)[-1] == "and 7 more"
    assert len(told_changes(many)) == MOST_TOLD + 1


CASES = [
    (b"", b"one\n"),
    (b"one\n", b""),
    (b"one\ntwo\nthree\n", b"one\n2\nthree\n"),
    (b"one\ntwo", b"one\ntwo\n"),
    (b"one\ntwo\n", b"one\ntwo"),
    (b"a\r\nb\r\n", b"a\r\nc\r\n"),
    (
        b"".join(b"line %d\n" % n for n in range(300)),
        b"".join(b"line %d\n" % n for n in range(300) if n not in (4, 200)),
    ),
    ("äöü\n\x0cform\u2028feed\n".encode(), "äöü\n\x0cform\u2028fed\n".encode()),
]


@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_patch_is_what_git_applies(number: int, tmp_path: Path) -> None:
    before, after = CASES[number]
    place = tmp_path / "file"
    if before:
        place.write_bytes(before)
    patch = patch_of([diff_bytes("file", before, after)])
    subprocess.run(["git", "apply", "-"], input=patch.encode(), cwd=tmp_path, check=True)
    assert (place.read_bytes() if place.exists() else b"") == after


def test_lines_carry_their_numbers_before_and_after() -> None:
    diff = diff_bytes(
        "f", b"".join(b"%d\n" % n for n in range(1, 21)), b"".join(b"%d\n" % n for n in range(1, 21) if n != 10)
    )
    assert (diff.added, diff.removed) == (0, 1)
    [hunk] = diff.hunks
    gone = next(line for line in hunk.lines if line.sign == "-")
    assert (gone.text, gone.old, gone.new) == ("10", 10, None)
    assert (hunk.lines[-1].old, hunk.lines[-1].new) == (13, 12)
    assert hunk.head == "@@ -7,7 +7,6 @@"


def test_binary_and_endless_files_are_told_by_their_size() -> None:
    binary = diff_bytes("p.png", b"", b"\x89PNG\x00\xff")
    large = diff_bytes("long", b"", b"x\n" * 300_000)
    many = diff_bytes("many", b"".join(b"%d\n" % n for n in range(6000)), b"".join(b"%d\n" % -n for n in range(6000)))
    assert [each.shape for each in (binary, large, many)] == ["binary", "large", "large"]
    assert is_missing_from([binary, large, many]) == ["p.png", "long", "many"]
    assert "# added 'p.png': binary, 6 bytes, not in this patch" in patch_of([binary])


def test_a_change_of_mode_alone_and_a_link() -> None:
    changes = compare({"run": state(b"x\n")}, {"run": state(b"x\n", PROGRAM), "to": state(b"/etc/passwd", LINK)})
    patch = patch_of([diff_file(changes[0], b"x\n", b"x\n"), diff_file(changes[1], b"", b"/etc/passwd")])
    assert "old mode 100644\nnew mode 100755" in patch
    assert "new file mode 120000" in patch


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/./b", "a\x00b", "a\nb", "x" * 1001, "a/" * 61 + "b", "é" * 200],
)
def test_paths_that_lead_out_are_refused(path: str) -> None:
    with pytest.raises(WorkspacePathInvalid):
        workspace_path(path)


def test_paths_are_taken_as_they_are_written() -> None:
    assert workspace_path("./src/app.py") == "src/app.py"
    assert workspace_folder(".") == workspace_folder("") == ""
    for path in (".git/config", "repo/.git/hooks/pre-commit", ".GIT/config", "a/.git./x"):
        with pytest.raises(WorkspacePathInvalid, match="git"):
            file_to_write(path)


def test_a_state_is_written_and_read_back_with_where_its_bytes_are() -> None:
    states = {"a": state(b"1"), "b": state(b"1"), "c": state(b"22"), "e": FileState(FOLDER, "", 0), "z": state(b"")}
    assert new_paths(states, {}) == ["a", "c"]
    index = {state(b"1").sha256: Place("p1", 0, 1), state(b"22").sha256: Place("p1", 1, 2), "f" * 64: Place("p0", 0, 9)}
    kept = Kept().after(states, index)
    assert kept.packs == {"p1"}
    assert read_kept_state(write_kept(kept)) == kept
    assert new_paths({**states, "d": state(b"333")}, kept.index) == ["d"]


def test_neighbors_are_read_together_and_far_ones_apart() -> None:
    index = {
        "a": Place("p", 0, 10),
        "b": Place("p", 10, 10),
        "c": Place("p", 20 + GAP_BYTES + 1, 5),
        "d": Place("q", 0, LONGEST_READ * 3),
    }
    found = list(stretches(["d", "c", "b", "a"], index))
    assert [(each.pack, each.start, each.end) for each in found] == [
        ("p", 0, 20),
        ("p", GAP_BYTES + 21, GAP_BYTES + 26),
        ("q", 0, LONGEST_READ * 3),
    ]
    assert [sha256 for each in found for sha256, _, _ in each.contents] == ["a", "b", "c", "d"]
