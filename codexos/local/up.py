# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""`bin/up`: from a home to a served address, and back to nothing running."""

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from types import FrameType

import psutil

from codexos.local import bundle, postgres, processes, redis, sandbox_packages, servers, stamps
from codexos.local.checks import check_disk, check_port
from codexos.local.environment import Setup
from codexos.local.errors import LocalFault, ServerFailed
from codexos.local.home import CHECKOUT
from codexos.local.leftovers import clear_leftovers, end_all, held
from codexos.local.logtail import LogTail
from codexos.local.privileges import adopt_orphans
from codexos.local.supervision import Supervisor
from codexos.local.terminal import Step, say, step
from codexos.local.watch import watch

SERVING = "bin/up"
HEALTH_TIMEOUT_SECONDS = 120.0
REDIS_ATTEMPTS = 3


def serve(setup: Setup) -> int:
    """Serve until Ctrl-C. Raises LocalFault with what to do when something is in the way."""
    setup.home.prepare()
    with held(setup.home, doing=SERVING, url=setup.url):
        signal.signal(signal.SIGTERM, _as_interrupt)
        signal.signal(signal.SIGHUP, _as_interrupt)
        adopt_orphans()
        say(f"CodexOS  {setup.home.root}")
        if count := clear_leftovers(setup.home):
            say(f"   cleared       {count} processes a killed start had left running")
        check_port(setup.host, setup.port)
        check_disk(setup.home)
        supervisor = Supervisor(setup)
        try:
            _start(supervisor)
            _watch_until_stopped(supervisor)
        finally:
            _stop(supervisor)
    return 0


def _watch_until_stopped(supervisor: Supervisor) -> None:
    try:
        watch(supervisor)
    except KeyboardInterrupt:
        return


def _start(supervisor: Supervisor) -> None:
    with sandbox_packages.made_ready_beside() as problems:
        _prepare(supervisor)
    for problem in problems:
        say(f"   sandbox       Python is not to be had in it: {problem}")
    with step("processes") as shown:
        shown.note(" ".join(supervisor.product))
        start_product(supervisor)
    _announce(supervisor.setup)


def _prepare(supervisor: Supervisor) -> None:
    """Make everything that the product's processes find when they start."""
    setup = supervisor.setup
    supervisor.start()
    with step("servers") as shown:
        _start_servers(supervisor, shown=shown)
    if bundle.has_sources():
        with step("web bundle") as shown:
            shown.note("up to date" if bundle.is_built() else "building")
            _build_bundle(shown)
    with step("schema") as shown:
        shown.note(_prepare_database(setup))
    if setup.has_own_database:
        with step("demo") as shown:
            shown.note(_seed(setup))


def _start_servers(supervisor: Supervisor, *, shown: Step) -> None:
    """Start what is embedded. Raises ServerFailed or DiskFull with the server's last words."""
    setup = supervisor.setup
    shown.note("making the database" if setup.has_own_database and not setup.home.postgres.exists() else "starting")
    if servers.prepare(setup):
        shutil.rmtree(setup.home.run / "stamps", ignore_errors=True)
    said = [_start_postgres(supervisor)] if setup.has_own_database else ["PostgreSQL of DATABASE_URL"]
    said.append(_start_redis(supervisor) if setup.has_own_redis else "Redis of REDIS_URL")
    servers.provision(setup)
    shown.note(", ".join(said))


def _start_postgres(supervisor: Supervisor) -> str:
    home = supervisor.setup.home
    log = LogTail(home.logs / f"{processes.DATABASE}.log")
    supervisor.start_process(processes.DATABASE)
    administrator = postgres.address(home, role=postgres.SUPERUSER, database="postgres")
    version = postgres.wait_until_ready(
        administrator, is_alive=lambda: supervisor.is_alive(processes.DATABASE), log=log.since_start
    )
    return f"PostgreSQL {version}"


def _start_redis(supervisor: Supervisor) -> str:
    """Start Redis; when somebody took its port meanwhile, on another one."""
    home = supervisor.setup.home
    for attempt in range(REDIS_ATTEMPTS):
        supervisor.start_process(processes.QUEUE)
        try:
            version = redis.wait_until_ready(home, is_alive=lambda: supervisor.is_alive(processes.QUEUE))
            return f"Redis {version}"
        except ServerFailed:
            supervisor.stop_process(processes.QUEUE)
            if attempt == REDIS_ATTEMPTS - 1:
                raise
            redis.prepare(home)
    raise AssertionError("unreachable")


def _build_bundle(shown: Step) -> None:
    if not bundle.is_built():
        bundle.build()
        shown.note("built")


def _prepare_database(setup: Setup) -> str:
    """Migrate, unless this home's own database was prepared from exactly these sources."""
    stamp = setup.home.run / "stamps" / "schema"
    digest = schema_digest(setup)
    if setup.has_own_database and stamps.is_current(stamp, digest):
        return "up to date"
    manage(setup, "prepare_database")
    stamps.record(stamp, digest if setup.has_own_database else "of another server")
    return "migrated"


def schema_digest(setup: Setup) -> str:
    """Changes when the database of a setup would have to be prepared anew."""
    variables = setup.variables()
    key = "".join(setup.read(name) for name in ("CODEXOS_MASTER_KEY", "VAULT_MASTER_KEY")) or _own_key(variables)
    return stamps.schema_digest(also=hashlib.sha256(key.encode()).hexdigest())


def _own_key(variables: dict[str, str]) -> str:
    with open(variables["CODEXOS_MASTER_KEY_FILE"], encoding="utf-8") as file:
        return file.read()


def _seed(setup: Setup) -> str:
    """Seed the demo organizations; the command changes nothing that is there."""
    stamp = setup.home.run / "stamps" / "demo"
    digest = hashlib.sha256(f"{schema_digest(setup)} {setup.url}".encode()).hexdigest()
    if setup.home.demo.exists() and stamps.is_current(stamp, digest):
        return "up to date"
    manage(setup, "seed_demo")
    stamps.record(stamp, digest)
    return "two organizations"


def manage(setup: Setup, *words: str) -> str:
    """Run a management command. Raises LocalFault with its last words when it fails."""
    command = [sys.executable, "manage.py", *words]
    run = subprocess.run(command, cwd=CHECKOUT, env=setup.variables(), capture_output=True, text=True, check=False)
    if run.returncode:
        output = f"{run.stdout}{run.stderr}"
        if "No space left on device" in output:
            raise postgres.start_failure(output)
        tail = "\n".join(f"    {line}" for line in output.strip().splitlines()[-15:])
        raise LocalFault(f"`bin/manage {' '.join(words)}` failed:\n{tail}\nNothing that was saved before is lost.")
    return run.stdout


def start_product(supervisor: Supervisor) -> None:
    """Start the product's processes and wait until the address answers. Raises LocalFault when it does not."""
    tails = {name: LogTail(supervisor.setup.home.logs / f"{name}.log") for name in supervisor.product}
    for name in supervisor.product:
        supervisor.start_process(name)
    deadline = time.monotonic() + HEALTH_TIMEOUT_SECONDS
    while not (_answers(supervisor.setup) and all(s.is_alive for s in supervisor.states())):
        failing = [s.name for s in supervisor.states() if not s.is_alive]
        if failing or time.monotonic() > deadline:
            name = failing[0] if failing else "web"
            tail = "\n".join(f"    {line}" for line in tails[name].since_start().strip().splitlines()[-12:])
            raise LocalFault(f"The process {name!r} does not start. Its last words ({name}.log):\n{tail}")
        time.sleep(0.1)


def _answers(setup: Setup) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{setup.port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _announce(setup: Setup) -> None:
    """Print the address, and the demo sign-in the first time a start got this far."""
    say(f"\n   {setup.url}\n")
    shown = setup.home.run / "stamps" / "sign-in-shown"
    if setup.home.demo.exists():
        if not shown.exists():
            _show_sign_in(setup)
            stamps.record(shown, "shown")
        say(f"   Sign-ins and API tokens: {setup.home.demo}")
    say("   Ctrl-C stops everything.\n")


def _show_sign_in(setup: Setup) -> None:
    people = json.loads(setup.home.demo.read_text(encoding="utf-8"))["organizations"][0]["people"]
    person = next((p for p in people if p["role"] == "org_admin"), people[0])
    say(f"   Sign in as    {person['email']}")
    say(f"   Password      {person['password']}\n")


def _stop(supervisor: Supervisor) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _already_stopping)
    say()
    with step("stopping") as shown:
        supervisor.stop()
        end_all(psutil.Process().children(), grace_seconds=5)
        shown.note("everything is stopped; nothing is lost")
    supervisor.setup.home.forget_run()


def _as_interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _already_stopping(_number: int, _frame: FrameType | None) -> None:
    say("   Still stopping: what is open is being closed properly.")
