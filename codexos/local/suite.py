# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""`bin/test`: servers of its own, then every check and test. Several runs side by side do not meet."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from codexos.local import bundle, chromium, postgres, sandbox_packages, stamps
from codexos.local.environment import MASTER_KEY_NAMES, Setup, master_key_file, with_bytecode
from codexos.local.errors import LocalFault
from codexos.local.home import CHECKOUT, Home
from codexos.local.servers import Servers
from codexos.local.terminal import say, step

CACHE = CHECKOUT / ".codexos" / "test-cache"
BYTECODE = CHECKOUT / ".codexos" / "bytecode"
KEPT_CACHES = 3
# Nothing a person has set for their own installation may reach a test.
FOREIGN = (
    "DATABASE_",
    "REDIS_",
    "CODEXOS_",
    "VAULT_",
    "OPENAI_",
    "ANTHROPIC_",
    "OLLAMA_",
    "CELERY_",
    "DJANGO_",
)
FOREIGN_NAMES = ("PORT", "HOST")
STATIC_CHECKS: tuple[tuple[str, ...], ...] = (
    ("ruff", "check"),
    ("ruff", "format", "--check"),
    ("mypy", "."),
    ("lint-imports",),
    ("python", "manage.py", "makemigrations", "--check", "--dry-run"),
)
FRONTEND_CHECKS = ("check", "test")
INTEGRATION = "tests/integration"
"""Tests against programs that others made, fetched for them: they take minutes, and the network once."""
PATIENT = ("tests/cli", "tests/durability", "tests/journeys", "tests/local", "tests/vault")
"""Tests that run beside all others, so that two cores are busy: mostly those that wait for processes and browsers."""


def run_suite(words: list[str]) -> int:
    """Run everything, what that leaves out (``--integration``), or only pytest with ``words``; the worst exit code."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="codexos-test-", ignore_cleanup_errors=True) as folder:
        given = with_bytecode(clean_environment(os.environ), folder=BYTECODE)
        setup = Setup(Home(Path(folder) / "home"), {**given, "CODEXOS_HOME": f"{folder}/home"})
        with prepared(setup) as variables:
            code = _chosen(words, variables)
    say(f"\nbin/test: {'all good' if code == 0 else f'something failed (exit code {code})'}, {_spent(began)}")
    return code


def clean_environment(given: Mapping[str, str]) -> dict[str, str]:
    """The environment without anything that belongs to an installation of its person."""
    ours = {name: value for name, value in given.items() if name not in FOREIGN_NAMES}
    return {name: value for name, value in ours.items() if not name.startswith(FOREIGN)}


@contextmanager
def prepared(setup: Setup) -> Iterator[dict[str, str]]:
    """Serve a prepared, disposable database and Redis while the block runs; gives the tests their variables."""
    with step("database") as shown:
        is_copied = copy_prepared(setup.home)
        setup.home.prepare()
        servers = Servers(setup, is_durable=False)
        servers.start()
        shown.note("PostgreSQL and Redis for this run" + (", schema from an earlier run" if is_copied else ""))
    try:
        variables = test_variables(setup)
        if not is_copied and (CHECKOUT / "manage.py").is_file():
            with step("schema"):
                _prepare_database(variables)
            servers.stop()
            _keep(setup.home, _cached())
            servers.start()
            variables = test_variables(setup)
        yield variables
    finally:
        servers.stop()
        setup.home.forget_run()


def test_variables(setup: Setup) -> dict[str, str]:
    """What tests are given beside the usual: the server's administrator, and the key as a value."""
    key = master_key_file(setup.home).read_text(encoding="utf-8").strip()
    made = {name: value for name, value in setup.variables().items() if name not in MASTER_KEY_NAMES}
    administrator = postgres.address(setup.home, role=postgres.SUPERUSER, database="postgres")
    return {**made, "CODEXOS_MASTER_KEY": key, "CODEXOS_TEST_ADMIN_URL": administrator}


def _prepare_database(variables: Mapping[str, str]) -> None:
    words = [_tool("python"), "manage.py", "prepare_database"]
    run = subprocess.run(words, cwd=CHECKOUT, env=variables, capture_output=True, text=True, check=False)
    if run.returncode:
        raise LocalFault(f"`manage.py prepare_database` failed:\n{run.stdout[-2000:]}{run.stderr[-4000:]}")


def copy_prepared(home: Home) -> bool:
    """Put the stopped cluster of an earlier run with this schema, and its keys, into a home; whether there was one."""
    cached = _cached()
    if not (cached / "postgres").is_dir():
        return False
    os.utime(cached)
    _copy(cached, home.root)
    return True


def _cached() -> Path:
    return CACHE / stamps.schema_digest(also=postgres.MAJOR)[:16]


def _keep(home: Home, cached: Path) -> None:
    """Keep the stopped cluster and the keys that open it, for the next run with the same schema."""
    cached.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = Path(tempfile.mkdtemp(dir=cached.parent, prefix=".new-"))
    for folder in (home.postgres, home.keys):
        _copy(folder, fresh / folder.name)
    try:
        fresh.rename(cached)
    except OSError:  # a run side by side was quicker
        shutil.rmtree(fresh)
    for old in sorted(cached.parent.iterdir(), key=lambda path: path.stat().st_mtime)[:-KEPT_CACHES]:
        shutil.rmtree(old, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", "--reflink=auto", source, target], check=True)


def _chosen(words: list[str], variables: Mapping[str, str]) -> int:
    match words:
        case []:
            say(f"{INTEGRATION} is left out: it runs programs of others, for minutes. Run it: bin/test --integration")
            return _everything(variables)
        case ["--integration", *more]:
            return _pytest_only([INTEGRATION, *more], variables)
        case _:
            return _pytest_only(words, variables)


def _pytest_only(words: list[str], variables: Mapping[str, str]) -> int:
    if bundle.has_sources():
        _build_bundle()
    _make_sandbox_ready()
    chromium.find()
    return _run(_tool("pytest"), *words, variables=variables)


def _everything(variables: Mapping[str, str]) -> int:
    _make_sandbox_ready()
    codes = [_build_bundle()] if bundle.has_sources() else []
    chosen = chromium.words_for_pytest()
    patient = [folder for folder in PATIENT if (CHECKOUT / folder).is_dir()]
    with _beside([*patient, *chosen] if patient else []) as end_of_others:
        codes += [_check(words, variables) for words in STATIC_CHECKS]
        codes += [_frontend(script) for script in FRONTEND_CHECKS if bundle.has_sources()]
        ignored = [f"--ignore={folder}" for folder in (*patient, INTEGRATION)]
        codes.append(_run(_tool("pytest"), *ignored, *chosen, variables=variables))
        codes.append(end_of_others())
    return max(codes)


@contextmanager
def _beside(words: list[str]) -> Iterator[Callable[[], int]]:
    """Run the tests that ``words`` name beside the block, on servers of their own; give what waits for their end.

    What they say is shown when they are over, so that it does not mix with the rest.
    """
    if not words:
        yield lambda: 0
        return
    with tempfile.TemporaryFile() as said:
        others = subprocess.Popen(
            [_tool("python"), "-m", "codexos.local", "test", *words],
            cwd=CHECKOUT,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        try:
            yield lambda: _told(others, said)
        finally:
            if others.poll() is None:
                others.send_signal(signal.SIGINT)
                others.wait(60)


def _told(others: "subprocess.Popen[bytes]", said: IO[bytes]) -> int:
    code = others.wait()
    said.seek(0)
    say(f"\nMeanwhile, {', '.join(PATIENT)}:\n{said.read().decode('utf-8', 'replace')}")
    return code


def _check(words: tuple[str, ...], variables: Mapping[str, str]) -> int:
    with step(words[0] if words[0] != "python" else words[2]) as shown:
        run = subprocess.run(
            [_tool(words[0]), *words[1:]], cwd=CHECKOUT, env=variables, capture_output=True, text=True, check=False
        )
        shown.note("good" if run.returncode == 0 else "FAILED")
    if run.returncode:
        say(f"{run.stdout}{run.stderr}")
    return run.returncode


def _build_bundle() -> int:
    try:
        with step("web bundle") as shown:
            shown.note("up to date" if bundle.is_built() else "built")
            bundle.build()
    except LocalFault as fault:
        say(str(fault))
        return 1
    return 0


def _make_sandbox_ready() -> None:
    if sandbox_packages.LOCK.is_file():
        sandbox_packages.make_ready()


def _frontend(script: str) -> int:
    try:
        with step(f"npm {script}"):
            bundle.install_modules()
            bundle.run_npm("run", script)
    except LocalFault as fault:
        say(str(fault))
        return 1
    return 0


def _run(*words: str, variables: Mapping[str, str]) -> int:
    """Run a tool on this terminal. On Ctrl-C it is given the time to end by itself."""
    with subprocess.Popen(words, cwd=CHECKOUT, env=variables) as child:
        try:
            return child.wait()
        except KeyboardInterrupt:
            child.send_signal(signal.SIGINT)
            try:
                child.wait(30)
            except subprocess.TimeoutExpired:
                child.kill()
            raise


def _tool(name: str) -> str:
    return str(CHECKOUT / ".venv" / "bin" / name)


def _as_interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _spent(began: float) -> str:
    seconds = round(time.monotonic() - began)
    return f"{seconds // 60} min {seconds % 60:02d} s" if seconds >= 60 else f"{seconds} s"
