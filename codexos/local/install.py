# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Make .venv hold what a lock file names. Runs under the machine's Python, so it needs the standard library only."""

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codexos.local.terminal import Step, say, step

CHECKOUT = Path(__file__).resolve().parents[2]
VENV = CHECKOUT / ".venv"
STAMP = VENV / ".installed"


def main(lock_name: str) -> int:
    """Install what is missing; 0 when .venv is complete."""
    with _only_one_at_a_time():
        if is_in_sync(lock_name):
            return 0
        try:
            with step("packages") as shown:
                _make_venv(shown)
                _install(lock_name, shown=shown)
        except subprocess.CalledProcessError as failure:
            return _explain(failure, lock_name=lock_name)
        except KeyboardInterrupt:
            say("Stopped. Nothing is lost: the next start goes on from here.", stream=sys.stderr)
            return 130
        _record(lock_name)
    return 0


def is_in_sync(lock_name: str) -> bool:
    """Whether .venv was installed from the lock file as it is now."""
    if not _python_suits():
        return False
    try:
        return fingerprint(lock_name) in STAMP.read_text(encoding="utf-8").split()
    except OSError:
        return False


def fingerprint(lock_name: str) -> str:
    """The hash of a lock file."""
    return hashlib.sha256((CHECKOUT / lock_name).read_bytes()).hexdigest()


def pins(lock_name: str) -> set[str]:
    """Every ``name==version`` of a lock file."""
    lines = (CHECKOUT / lock_name).read_text(encoding="utf-8").splitlines()
    return {line.split()[0].lower() for line in lines if "==" in line and line[:1].isalnum()}


@contextmanager
def _only_one_at_a_time() -> Iterator[None]:
    folder = os.open(CHECKOUT, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _python_suits() -> bool:
    check = "import sys, pip; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))"
    try:
        run = subprocess.run([VENV / "bin" / "python", "-c", check], capture_output=True, check=False)
    except OSError:
        return False
    return run.returncode == 0


def _make_venv(shown: Step) -> None:
    if _python_suits():
        return
    shown.note(f"making .venv with Python {sys.version_info.major}.{sys.version_info.minor}")
    subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True, capture_output=True, text=True)


def _install(lock_name: str, *, shown: Step) -> None:
    """Install every pin. The lock is complete, so pip resolves nothing, and a file without a known hash is refused."""
    wanted = len(pins(lock_name))
    command = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--require-hashes", "--no-deps", "--no-input"]
    command += ["--no-compile", "--progress-bar", "off", "--disable-pip-version-check", "-r", lock_name]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
        output = []
        count = 0
        for line in run.stdout or ():
            output.append(line)
            count += line.startswith(("Collecting ", "Requirement already satisfied"))
            if line.startswith(("Collecting ", "Installing collected")):
                shown.note(_progress(line, count=count, wanted=wanted))
    if run.returncode:
        raise subprocess.CalledProcessError(run.returncode, command, output="".join(output))
    shown.note(f"{wanted} installed from {lock_name}")


def _progress(line: str, *, count: int, wanted: int) -> str:
    if line.startswith("Installing collected"):
        return f"unpacking {wanted} packages"
    name = line.split()[1].split("==")[0]
    return f"fetching {min(count, wanted)} of {wanted} {name}"


def _record(lock_name: str) -> None:
    names = {lock_name}
    if pins("requirements.txt") <= pins(lock_name):
        names.add("requirements.txt")
    STAMP.write_text("".join(f"{fingerprint(name)}\n" for name in sorted(names)), encoding="utf-8")


def _explain(failure: subprocess.CalledProcessError, *, lock_name: str) -> int:
    lines = str(failure.output or failure.stderr or "").strip().splitlines()
    for line in lines[-12:]:
        say(f"    {line}", stream=sys.stderr)
    say(f"\nThe packages of {lock_name} could not be installed. {_advice(' '.join(lines))}", stream=sys.stderr)
    return 1


def _advice(output: str) -> str:
    if "No space left" in output:
        return "The disk is full: free about 2 GB, then run the same command again."
    if "DO NOT MATCH THE HASHES" in output:
        return "A downloaded file is not the one that was locked: it was refused. Ask who runs your mirror."
    if "Temporary failure" in output or "NewConnectionError" in output or "ReadTimeout" in output:
        return "The package index cannot be reached: check the network or PIP_INDEX_URL, then try again."
    return "The lines above are pip's; put that right, then run the same command again."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
