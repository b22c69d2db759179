# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The peers' packages, in an environment of their own: they are pinned with hashes and touch nothing of ours."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from codexos.local.errors import LocalFault
from codexos.local.home import home_named

LOCK = Path(__file__).with_name("requirements.txt")
PEERS = ("langgraph", "dbos")
PACKAGES = {"langgraph": ("langgraph", "langgraph-checkpoint-postgres"), "dbos": ("dbos",)}


def python_of_peers() -> Path:
    """Their Python, installed first where it is not yet. Raises LocalFault with what the installer said."""
    folder = home_named(os.environ.get("CODEXOS_HOME")).root / "peers"
    python, stamp = folder / "bin" / "python", folder / ".installed"
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        words = ["--require-hashes", "--no-deps", "--no-input", "--disable-pip-version-check", "-q", "-r", str(LOCK)]
        _run([str(python), "-m", "pip", "install", *words])
        stamp.write_text(wanted, encoding="utf-8")
    return python


def versions() -> dict[str, str]:
    """What is pinned of each peer, as it is printed."""
    pins = dict(line.split()[0].split("==") for line in LOCK.read_text(encoding="utf-8").splitlines() if "==" in line)
    return {peer: ", ".join(f"{name} {pins[name]}" for name in names) for peer, names in PACKAGES.items()}


def _run(words: list[str]) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise LocalFault(f"The peers could not be installed: {said[-1] if said else done.returncode}")
