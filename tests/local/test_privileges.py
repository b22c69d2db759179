# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Started by root, the servers run as a user who can enter none of root's folders and is given no right to."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from codexos.local import postgres, privileges

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has somebody else to become")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="codexos-open-", dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def run_as_server(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    user = privileges.server_user()
    return subprocess.run(
        words, user=user.uid, group=user.gid, extra_groups=[], cwd="/", capture_output=True, text=True, check=False
    )


@only_root
def test_the_servers_user_is_nobody_else_and_cannot_sign_in() -> None:
    user = privileges.server_user()
    assert user.uid != 0
    assert run_as_server("cat", "/etc/shadow").returncode != 0


@only_root
def test_programs_in_a_private_folder_are_copied_to_where_they_run(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = open_folder / "private"
    private.mkdir(mode=0o700)
    packages = Path(privileges.__file__).parents[2] / ".venv"
    source = next(packages.resolve().glob("lib/python3.*/site-packages"))
    for part in postgres.PROGRAM_PARTS:
        (private / part).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", source / part, private / part], check=True)
    refused = private / postgres.PROGRAM_FOLDER / "bin" / "initdb"
    with pytest.raises(PermissionError):
        run_as_server(refused, "--version")

    monkeypatch.setattr(privileges, "PROGRAM_CACHE", open_folder / "cache")
    copied = privileges.reachable(private, cache_name="one", parts=postgres.PROGRAM_PARTS)
    ran = run_as_server(copied / postgres.PROGRAM_FOLDER / "bin" / "initdb", "--version")
    assert ran.stdout.startswith("initdb (PostgreSQL) 18"), ran.stderr
    assert privileges.reachable(private, cache_name="one", parts=("nothing",)) == copied, "copied once"


@only_root
def test_a_private_folder_is_handed_over_open(open_folder: Path) -> None:
    private, inside = open_folder / "private", open_folder / "private" / "data"
    inside.mkdir(parents=True)
    private.chmod(0o700)
    privileges.server_user().own(inside)
    user = privileges.server_user()
    with privileges.opened_folder(inside) as (descriptor, path):
        for place, code in ((str(inside), 2), (path, 0)):
            listed = subprocess.run(
                ["ls", place], user=user.uid, group=user.gid, pass_fds=[descriptor], capture_output=True, check=False
            )
            assert listed.returncode == code


def test_an_ordinary_user_is_its_own_server_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    assert privileges.server_user().uid == 4242
    assert privileges.reachable(tmp_path, cache_name="x", parts=()) == tmp_path.resolve()
