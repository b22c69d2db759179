# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The command line starts fast: what is slow to load is loaded by those commands only that need it."""

import subprocess
import sys
import tomllib

import pytest
from django.conf import settings

import cli

SLOW = {"rich", "pydantic", "httpx", "http.client", "urllib.request", "ssl", "yaml", "django", "codexos"}
PROGRAM = """
import sys
from cli.main import main
main(sys.argv[1:])
sys.stderr.write("\\n".join(sys.modules))
"""


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["flows", "--help"], ["help", "exit-codes"], ["runs"]])
def test_nothing_slow_is_loaded(words: list[str], tmp_path: object) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, *words],
        env={"PYTHONPATH": str(settings.BASE_DIR), "XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert SLOW & set(done.stderr.splitlines()) == set()


def test_the_package_says_the_version_it_has() -> None:
    project = tomllib.loads((settings.BASE_DIR / "cli" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == cli.__version__
    assert {name.split(">=")[0] for name in project["dependencies"]} == {"typer", "rich", "PyYAML"}
