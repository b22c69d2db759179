# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""`bin/manage doctor`: checks everything bin/up needs and says what to do about each failure."""

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import psycopg

from codexos.local import bundle, chromium, install, postgres, processes, redis
from codexos.local.checks import LEAST_FREE_BYTES, check_disk, check_port
from codexos.local.environment import Setup
from codexos.local.errors import LocalFault
from codexos.local.home import CHECKOUT
from codexos.local.leftovers import holder_of, is_held
from codexos.local.servers import serving
from codexos.local.terminal import say

KEY_MODES = {0o600, 0o400}


@dataclass(frozen=True)
class Finding:
    """What one check found. Information never fails the examination."""

    text: str
    is_good: bool = True
    is_information: bool = False

    @property
    def mark(self) -> str:
        """How it is shown."""
        if self.is_information:
            return "info"
        return "ok" if self.is_good else "FAIL"


def examine(setup: Setup) -> int:
    """Run every check; 1 when something needs doing."""
    findings = {name: _safely(check, setup) for name, check in CHECKS.items()}
    say(f"CodexOS  {setup.home.root}\n")
    for name, finding in findings.items():
        say(f"   {finding.mark:<5} {name:<12} {finding.text}")
    failed = [name for name, finding in findings.items() if not finding.is_good]
    verdict = f"To be put right: {', '.join(failed)}." if failed else "Everything bin/up needs is there."
    say(f"\n   {verdict}")
    return 1 if failed else 0


def _safely(check: Callable[[Setup], Finding], setup: Setup) -> Finding:
    try:
        return check(setup)
    except LocalFault as fault:
        return Finding(str(fault), is_good=False)
    except (OSError, psycopg.Error) as error:
        return Finding(f"could not be checked: {error}", is_good=False)


def _python(_setup: Setup) -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] in {(3, 11), (3, 12)}:
        return Finding(version)
    return Finding(f"{version}: install Python 3.11 or 3.12, remove .venv, run bin/up again", is_good=False)


def _packages(_setup: Setup) -> Finding:
    if install.is_in_sync("requirements.txt"):
        return Finding(f"{len(install.pins('requirements.txt'))} as locked in requirements.txt")
    return Finding("not as locked in requirements.txt: run bin/up, which installs them", is_good=False)


def _node(_setup: Setup) -> Finding:
    node = bundle.find_node()
    return Finding(f"{node.version}{' from the Python package, as this machine has none' if node.is_fallback else ''}")


def _bundle(_setup: Setup) -> Finding:
    if not bundle.has_sources():
        return Finding("there are no sources to build", is_information=True)
    return Finding("up to date" if bundle.is_built() else "to be built at the next bin/up", is_information=True)


def _chromium(_setup: Setup) -> Finding:
    found = next((path for name in chromium.NAMES if (path := shutil.which(name))), None)
    return Finding(found or f"none, so browser tests are left out; as root: {chromium.INSTALL}", is_information=True)


def _disk(setup: Setup) -> Finding:
    setup.home.prepare()
    check_disk(setup.home)
    free = shutil.disk_usage(setup.home.root).free
    return Finding(f"{free // 1024**2} MB free, at least {LEAST_FREE_BYTES // 1024**2} needed")


def _port(setup: Setup) -> Finding:
    holder = holder_of(setup.home)
    if is_held(setup.home) and holder and holder.url:
        return Finding(f"{setup.port}; this home serves {holder.url} now (process {holder.pid})")
    check_port(setup.host, setup.port)
    return Finding(f"{setup.port} is free")


def _home(setup: Setup) -> Finding:
    setup.home.prepare()
    loose = [p.name for p in setup.home.keys.iterdir() if stat.S_IMODE(p.stat().st_mode) not in KEY_MODES]
    if loose:
        names = " ".join(str(setup.home.keys / name) for name in loose)
        return Finding(f"others may read {', '.join(loose)}: chmod 600 {names}", is_good=False)
    if not os.access(setup.home.root, os.W_OK):
        return Finding(f"{setup.home.root} cannot be written: give it to this user", is_good=False)
    return Finding("private to this user")


def _servers(setup: Setup) -> Finding:
    """Reach what runs or is given; what is embedded and stopped is started once and stopped again."""
    if not is_held(setup.home):
        with serving(setup):
            return Finding(_reach(setup) + ("" if setup.has_own_database else "; roles are in place"))
    return Finding(_reach(setup))


def _reach(setup: Setup) -> str:
    version = postgres.server_version(setup.variables()["DATABASE_URL"])
    queue = f"Redis {redis.wait_until_ready(setup.home)}" if setup.has_own_redis else "Redis of REDIS_URL"
    return f"PostgreSQL {version}, {queue}"


def _master_key(setup: Setup) -> Finding:
    if setup.has_own_key:
        path = setup.home.keys / "master.key"
        return Finding(f"{path}{'' if path.exists() else ', made at the first start'}: keep a copy in a safe place")
    return Finding("given by the environment")


def _sandbox(setup: Setup) -> Finding:
    """Put walls up once, as the service would. Without them everything but running code goes on."""
    words = [sys.executable, "-m", "sandbox", "--warm", "0", *processes.sandbox_words(setup)]
    run = subprocess.run(words, cwd=CHECKOUT, env={"PATH": os.defpath}, capture_output=True, text=True, check=False)
    try:
        standing = json.loads(run.stdout)
    except ValueError:
        said = run.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        return Finding(f"code is not run: the sandbox does not start ({said[0]})", is_information=True)
    if not standing["is_available"]:
        return Finding(f"code is not run: {standing['reason']}", is_information=True)
    return Finding("; ".join(_walls(standing["walls"])))


def _walls(walls: dict[str, Any]) -> list[str]:
    """What holds here, and what is weaker than it could be."""
    if walls["is_unsafe"]:
        return ["CODEXOS_SANDBOX_UNSAFE is on: code runs WITHOUT ANY WALLS, as this user"]
    version = walls["control_groups"]
    groups = f"control groups (version {version})" if version else f"no control groups: {walls['why_no_groups']}"
    users = (
        "a user of its own for every slot" if walls["user_per_slot"] else "slots run as this user (not started as root)"
    )
    python = "Python packages installed" if walls["python"] else "its Python packages come with the next bin/up"
    return ["code runs behind bubblewrap and seccomp", groups, users, python]


def _embedder(setup: Setup) -> Finding:
    """Tell whether the embedded embedder can be loaded, without loading it."""
    from llm.adapters.embedders.minilm_files import graph_path, kept_graph
    from llm.adapters.embedders.weights import MODEL, TOKENIZER, WEIGHTS, checked_file
    from llm.errors import EmbedderUnavailable

    try:
        for name in (WEIGHTS, TOKENIZER):
            checked_file(name)
    except EmbedderUnavailable as error:
        return Finding(str(error), is_good=False)
    if find_spec("onnxruntime") is None:
        return Finding(f"{MODEL} is there, onnxruntime is not: run bin/up, which installs it", is_good=False)
    is_written = kept_graph(graph_path(setup.home.root / "models")) is not None
    return Finding(f"{MODEL}; its graph is {'written' if is_written else 'written when the first text comes'}")


def _rego(_setup: Setup) -> Finding:
    """Evaluate a policy in Rego once. Without it rules go on deciding, and what is in Rego denies."""
    from agents.adapters.rego import RegoText
    from codexos.kernel.errors import CodexosError

    text = RegoText("package codexos\n\ndecision := input.rules\n")
    try:
        text.evaluate('{"rules": {"verdict": "deny"}}')
    except CodexosError as error:
        return Finding(error.message, is_information=True)
    finally:
        text.stop()
    return Finding("policies in Rego are evaluated, each in a process of its own")


CHECKS: dict[str, Callable[[Setup], Finding]] = {
    "python": _python,
    "packages": _packages,
    "node": _node,
    "web bundle": _bundle,
    "chromium": _chromium,
    "disk": _disk,
    "home": _home,
    "port": _port,
    "servers": _servers,
    "master key": _master_key,
    "sandbox": _sandbox,
    "embedder": _embedder,
    "rego": _rego,
}
