# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A home is private to its user, and its sockets have paths the kernel accepts."""

import stat
from pathlib import Path

import pytest

from codexos.local.environment import master_key_file
from codexos.local.errors import LocalFault
from codexos.local.home import LONGEST_SOCKET_NAME, SOCKET_PATH_LIMIT, Home, make_private, secret_text


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folders_and_keys_are_for_this_user_only(home: Home) -> None:
    secret_text(home, "postgres")
    assert {mode_of(folder) for folder in (home.root, home.keys, home.logs, home.run)} == {0o700}
    assert {mode_of(home.keys / "postgres"), mode_of(master_key_file(home))} == {0o600}


def test_a_secret_is_made_once_and_differs_by_name(home: Home) -> None:
    assert secret_text(home, "one") == secret_text(home, "one") != secret_text(home, "two")
    key = master_key_file(home).read_bytes()
    assert master_key_file(home).read_bytes() == key


def test_a_home_too_deep_for_sockets_gets_a_short_folder_of_its_own(tmp_path: Path) -> None:
    deep, other = Home(tmp_path / ("a" * 100)), Home(tmp_path / ("b" * 100))
    assert len(str(deep.sockets) + LONGEST_SOCKET_NAME) <= SOCKET_PATH_LIMIT
    assert deep.sockets != other.sockets


def test_a_folder_somebody_put_in_the_way_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    with pytest.raises(LocalFault, match="belongs to somebody else"):
        make_private(tmp_path / "link")


def test_a_home_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalFault, match="CODEXOS_HOME"):
        Home(tmp_path / "file" / "home").prepare()


def test_looking_at_a_home_leaves_nothing_outside_it(home: Home) -> None:
    assert not home.sockets.exists()
    home.prepare_sockets()
    home.forget_run()
    assert not home.sockets.exists()
