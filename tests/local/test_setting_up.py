# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Setting up on a machine that lacks something: a sentence and an exit code, never a traceback."""

import shutil
import subprocess
from pathlib import Path

import pytest

from codexos.local import bundle, install, stamps
from codexos.local.home import CHECKOUT

OLD_PYTHON = '#!/bin/sh\ncase "$2" in *version_info*exit*) exit 1 ;; *print*) echo 3.9 ;; *) exit 1 ;; esac\n'


@pytest.mark.parametrize("command", ["up", "test", "manage"])
def test_python_3_9_is_refused_with_what_to_do(tmp_path: Path, command: str) -> None:
    shutil.copytree(CHECKOUT / "bin", tmp_path / "checkout" / "bin")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sh", "dirname", "id"):
        (programs / name).symlink_to(str(shutil.which(name)))
    (programs / "python3").write_text(OLD_PYTHON)
    (programs / "python3").chmod(0o755)
    refused = subprocess.run(
        [tmp_path / "checkout" / "bin" / command],
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 2
    assert "needs Python 3.11 or 3.12" in refused.stderr
    assert "python3 is 3.9" in refused.stderr
    assert not (tmp_path / "checkout" / ".venv").exists()


def test_the_packages_are_in_sync_and_a_changed_lock_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert install.is_in_sync("requirements-dev.txt")
    assert install.pins("requirements.txt") <= install.pins("requirements-dev.txt")
    monkeypatch.setattr(install, "fingerprint", lambda _name: "another")
    assert not install.is_in_sync("requirements-dev.txt")


@pytest.mark.parametrize(
    ("output", "advice"),
    [
        ("ERROR: No space left on device", "free about 2 GB"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES", "was refused"),
        ("NewConnectionError: Temporary failure in name resolution", "check the network"),
    ],
)
def test_a_failed_install_says_what_to_do(output: str, advice: str) -> None:
    assert advice in install._advice(output)


def test_the_packaged_node_serves_a_machine_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    node = bundle.find_node()
    assert node.is_fallback
    for program in ("node", "npm"):
        run = subprocess.run(
            [program, "--version"],
            env=node.variables({"PATH": "/usr/bin:/bin"}),
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout.strip()


def test_a_stamp_holds_for_one_digest_only(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    before = stamps.digest_of([tmp_path / "a.py"])
    stamps.record(tmp_path / "stamp", before)
    assert stamps.is_current(tmp_path / "stamp", before)
    (tmp_path / "a.py").write_text("2")
    assert not stamps.is_current(tmp_path / "stamp", stamps.digest_of([tmp_path / "a.py"]))
