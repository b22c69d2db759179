# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The Python environment that code in the sandbox finds: built once for a lock file, shown to it read-only.

It stands where the sandbox's own user may read it: beside .venv, or for root in a cache outside of root's folders.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from codexos.local.errors import LocalFault
from codexos.local.home import CHECKOUT
from codexos.local.privileges import PROGRAM_CACHE, end_with_parent
from codexos.local.terminal import step

LOCK = CHECKOUT / "sandbox" / "requirements.txt"
INSIDE = "/opt/codexos"
NEEDED_MODULES = "ctypes, ssl, json, lzma, sqlite3, multiprocessing, unittest, venv"
RECIPE = b"1"
"""Another number for another way of building it."""
FORGOTTEN_AFTER_SECONDS = 30 * 24 * 3600
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
_LEFT_OUT = shutil.ignore_patterns("site-packages", "test", "idlelib", "ensurepip", "config-*", "__pycache__", "*.a")


def folder() -> Path:
    """Where the environment for the lock file of this checkout is, or will be."""
    given = os.environ.get("CODEXOS_SANDBOX_ENVIRONMENT")
    return Path(given) if given else _cache() / fingerprint()


def _cache() -> Path:
    if os.geteuid() == 0:
        return PROGRAM_CACHE / "sandbox"
    return (CHECKOUT / ".venv").resolve().parent / ".sandbox"


def fingerprint() -> str:
    """Another one for every lock file, Python and way of building it."""
    made_of = [LOCK.read_bytes(), RECIPE, sys.version.encode(), sys.base_prefix.encode()]
    return hashlib.sha256(b"\0".join(made_of)).hexdigest()[:16]


def is_ready() -> bool:
    """Whether it is there, whole."""
    if not LOCK.is_file():
        return False
    with suppress(OSError):
        os.utime(folder())
    return (folder() / "interpreter").exists()


def make_ready() -> Path:
    """Return where it is, built where it was not. Raises LocalFault where it cannot be built."""
    if not is_ready():
        with step("sandbox") as shown:
            shown.note("installing what code in the sandbox finds")
            build(folder())
            shown.note("its Python packages are installed")
    return folder()


@contextmanager
def made_ready_beside() -> Iterator[list[str]]:
    """Build it in a process of its own while the block runs; in the end the list says what went wrong, if anything."""
    problems: list[str] = []
    if not LOCK.is_file() or is_ready():
        yield problems
        return
    child = subprocess.Popen(
        [sys.executable, "-m", "codexos.local.sandbox_packages"],
        cwd=CHECKOUT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield problems
        said = child.communicate()[1].strip()
        problems += [said] if child.returncode else []
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait()


def build(target: Path) -> None:
    """Build it at ``target``: all of it, or nothing. Raises LocalFault."""
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=target.parent, prefix=".new-"))
    before = os.umask(0o022)
    try:
        _fill(fresh)
        fresh.chmod(0o755)
        fresh.rename(target)
    except OSError as error:
        if not (target / "interpreter").exists():  # else a build side by side was quicker
            raise LocalFault(f"The sandbox's packages cannot be put into {str(target)!r}: {error}.") from error
    finally:
        os.umask(before)
        shutil.rmtree(fresh, ignore_errors=True)
    _forget_old(target)


def _fill(fresh: Path) -> None:
    interpreter = _interpreter(fresh)
    packages = fresh / "venv" / "lib" / f"python{VERSION}" / "site-packages"
    _install(packages)
    programs = fresh / "venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("python", "python3", f"python{VERSION}"):
        (programs / name).symlink_to(interpreter)
    settings = f"home = {Path(interpreter).parent}\ninclude-system-site-packages = false\nversion = {VERSION}\n"
    (fresh / "venv" / "pyvenv.cfg").write_text(settings, encoding="utf-8")
    for name in ("pytest", "py.test"):
        _write_program(programs / name, f'exec {INSIDE}/venv/bin/python -m pytest "$@"')
    variables = {"VIRTUAL_ENV": f"{INSIDE}/venv"}
    if interpreter.startswith(INSIDE):
        variables["LD_LIBRARY_PATH"] = f"{INSIDE}/python/lib"
    (fresh / "variables.json").write_text(json.dumps(variables), encoding="utf-8")
    (fresh / "interpreter").write_text(interpreter, encoding="utf-8")


def _write_program(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
    path.chmod(0o755)


def _install(packages: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--require-hashes", "--no-deps", "--no-input", "--no-compile"]
    command += ["--only-binary", ":all:", "--disable-pip-version-check", "--progress-bar", "off", "--quiet"]
    run = subprocess.run(
        [*command, "--target", str(packages), "-r", str(LOCK)], capture_output=True, text=True, check=False
    )
    if run.returncode:
        tail = "\n".join(run.stderr.strip().splitlines()[-6:])
        raise LocalFault(f"The sandbox's Python packages could not be installed:\n{tail}")
    shutil.rmtree(packages / "bin", ignore_errors=True)
    # Nobody can write compiled modules beside them later.
    compile_words = [sys.executable, "-m", "compileall", "-q", "-j", "2", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*compile_words, str(packages)], capture_output=True, check=False)


def _interpreter(fresh: Path) -> str:
    """Return the path inside of a Python of this version: one below /usr, which is shown as it is, or a copy."""
    own = Path(sys.base_prefix, "bin", f"python{VERSION}")
    for found in (own, Path("/usr/bin", own.name), Path("/usr/local/bin", own.name)):
        if found.is_relative_to("/usr") and _is_whole(found):
            return str(found)
    _copy_python(fresh / "python")
    return f"{INSIDE}/python/bin/python{VERSION}"


def _is_whole(python: Path) -> bool:
    """Whether it comes with its whole standard library: Debian sells it in parts."""
    try:
        words = [str(python), "-I", "-S", "-c", f"import {NEEDED_MODULES}"]
        return subprocess.run(words, capture_output=True, check=False, env={}).returncode == 0
    except OSError:
        return False


def _copy_python(target: Path) -> None:
    base = Path(sys.base_prefix)
    (target / "bin").mkdir(parents=True)
    shutil.copy2((base / "bin" / f"python{VERSION}").resolve(), target / "bin" / f"python{VERSION}")
    shutil.copytree(base / "lib" / f"python{VERSION}", target / "lib" / f"python{VERSION}", ignore=_LEFT_OUT)
    for library in base.glob("lib/libpython*.so*"):
        shutil.copy2(library, target / "lib" / library.name)


def _forget_old(target: Path) -> None:
    """Remove what no checkout has asked for in a month."""
    with suppress(OSError):
        for path in target.parent.iterdir():
            if path != target and path.stat().st_mtime < time.time() - FORGOTTEN_AFTER_SECONDS:
                shutil.rmtree(path, ignore_errors=True)


def main() -> int:
    """Build it where it is not; what went wrong is said on stderr."""
    end_with_parent(signal.SIGTERM)
    try:
        if not is_ready():
            build(folder())
    except LocalFault as fault:
        print(fault, file=sys.stderr)  # noqa: T201 - who started this reads it
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
