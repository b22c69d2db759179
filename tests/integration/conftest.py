# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Programs that others made, at the versions that package-lock.json names, installed once."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from codexos.local import bundle, stamps
from codexos.local.home import CHECKOUT

FOLDER = Path(__file__).parent
OLDEST_NODE = (22, 0)


class Programs:
    """What is installed, and how to run it."""

    def __init__(self, node: bundle.Node) -> None:
        self.variables = node.variables(os.environ)
        self.node = str(node.folder / "node")

    def script(self, package: str, path: str) -> list[str]:
        """Return the words that run a script of a package."""
        return [self.node, str(FOLDER / "node_modules" / package / path)]

    async def run(self, *words: str, folder: Path, seconds: float = 240) -> tuple[int, str]:
        """Run a program to its end, in a folder that is thrown away; its exit code and what it said."""
        child = await asyncio.create_subprocess_exec(
            *words,
            cwd=folder,
            env={**self.variables, "HOME": str(folder)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            said, _ = await asyncio.wait_for(child.communicate(), seconds)
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        return child.returncode or 0, said.decode("utf-8", "replace")


@pytest.fixture(scope="session")
def programs() -> Programs:
    """The programs of package-lock.json."""
    bundle.install_modules(FOLDER, oldest=OLDEST_NODE)
    _install_python()
    return Programs(bundle.find_node(oldest=OLDEST_NODE))


def _install_python() -> None:
    """Install what requirements.txt names, for the machine's own Python: the sandbox has no other."""
    digest = stamps.digest_of([FOLDER / "requirements.txt"])
    stamp = FOLDER / "node_modules" / ".python" / ".installed-from"
    if stamps.is_current(stamp, digest):
        return
    words = [str(CHECKOUT / ".venv" / "bin" / "uv"), "pip", "install", "--quiet", "--require-hashes"]
    words += [
        "--target",
        str(FOLDER / "node_modules" / ".python"),
        "--python",
        "/usr/bin/python3",
        "-r",
        str(FOLDER / "requirements.txt"),
    ]
    subprocess.run(words, check=True)
    stamps.record(stamp, digest)
