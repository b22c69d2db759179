# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keys from the environment: drawn by chance, in a file that is nobody else's, or the process does not start."""

import base64
import hashlib
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from codexos.env import Environment, SettingInvalid
from codexos.kernel.sealing import new_key

ROOT = Path(__file__).resolve().parents[2]
NAME = "CODEXOS_X"


def read(text: str) -> bytes:
    return Environment({NAME: text}).key(NAME)


def test_a_key_drawn_by_chance_is_taken_in_either_spelling() -> None:
    for _ in range(500):
        key = new_key()
        spelled = (key.hex(), base64.b64encode(key).decode(), base64.urlsafe_b64encode(key).decode())
        assert [read(text) for text in spelled] == [key] * 3


@pytest.mark.parametrize(
    "weak",
    [
        bytes(32),
        b"\xff" * 32,
        bytes(range(15)) * 2 + b"\x00\x01",
        bytes(range(100, 116)) * 2,
        bytes(range(32)),
        bytes(range(40, 8, -1)),
        b"correct horse battery staple yes",
        b"0123456789abcdefABCDEFghijklmnop",
        hashlib.sha256(b"").digest(),
        hashlib.sha256(b"changeme").digest(),
    ],
)
def test_a_weak_key_is_refused_and_not_repeated(weak: bytes) -> None:
    for text in (weak.hex(), base64.b64encode(weak).decode()):
        with pytest.raises(SettingInvalid, match=f"{NAME} is a weak key: .*openssl rand") as raised:
            read(text)
        assert text not in str(raised.value)


@pytest.mark.parametrize(
    "text", ["k", "00" * 31, "correct horse", base64.b64encode(new_key() + b"x").decode(), "ü" * 43]
)
def test_what_is_no_key_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(SettingInvalid, match="32 bytes") as raised:
        read(text)
    assert len(text) < 2 or text not in str(raised.value)


def test_several_keys_keep_their_order() -> None:
    first, second, third = new_key(), new_key(), new_key()
    text = f"{first.hex()}, {base64.b64encode(second).decode()}\n{third.hex()}"
    assert Environment({NAME: text}).keys(NAME) == [first, second, third]
    assert Environment({}).keys(NAME) == []
    with pytest.raises(SettingInvalid, match="weak"):
        Environment({NAME: f"{first.hex()} {'00' * 32}"}).keys(NAME)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o440, 0o640])
def test_a_private_file_is_read(tmp_path: Path, mode: int) -> None:
    key, path = new_key(), tmp_path / "key"
    path.write_text(key.hex() + "\n")
    path.chmod(mode)
    assert Environment({f"{NAME}_FILE": str(path)}).key(NAME) == key


@pytest.mark.parametrize("mode", [0o644, 0o444, 0o604, 0o602, 0o601, 0o620, 0o660, 0o666])
def test_a_file_that_others_have_is_refused_with_the_command_that_helps(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a key"
    path.write_text(new_key().hex())
    path.chmod(mode)
    for reader in (Environment.key, Environment.keys, Environment.secret):
        with pytest.raises(SettingInvalid, match=f"{mode:04o}.*chmod 400") as raised:
            reader(Environment({f"{NAME}_FILE": str(path)}), NAME)
    command = str(raised.value).partition("Run: ")[2]
    assert shlex.split(command)[-1] == str(path)
    subprocess.run(shlex.split(command), check=True)
    assert Environment({f"{NAME}_FILE": str(path)}).key(NAME)


def test_the_file_behind_a_link_is_the_one_that_counts(tmp_path: Path) -> None:
    path, link = tmp_path / "key", tmp_path / "link"
    path.write_text(new_key().hex())
    path.chmod(0o444)
    link.symlink_to(path)
    with pytest.raises(SettingInvalid, match="chmod"):
        Environment({f"{NAME}_FILE": str(link)}).key(NAME)


def test_a_process_with_an_open_file_does_not_start_and_with_a_private_one_does(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    path.write_text(new_key().hex())
    given = {name: value for name, value in os.environ.items() if "MASTER_KEY" not in name}
    variables = {**given, "CODEXOS_MASTER_KEY_FILE": str(path)}
    for mode, word in ((0o644, "chmod 400"), (0o400, "")):
        path.chmod(mode)
        words = [sys.executable, "-c", "import codexos.settings"]
        done = subprocess.run(words, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
        assert (done.returncode == 0) is (word == ""), done.stderr
        assert word in done.stderr
        assert "Traceback" not in done.stderr


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(SettingInvalid, match="'/nowhere'"):
        Environment({f"{NAME}_FILE": "/nowhere"}).key(NAME)
