# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The words after `python -m codexos.local`: up, test, manage, doctor, process, provision."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from codexos.local import processes, supervision
from codexos.local.environment import Setup, setup_here
from codexos.local.errors import LocalFault
from codexos.local.home import CHECKOUT
from codexos.local.leftovers import clear_leftovers, held, holder_of, is_held
from codexos.local.servers import provision_given, serving
from codexos.local.terminal import say

WAIT_FOR_ANOTHER_COMMAND_SECONDS = 120.0
SERVING = "bin/up"
NEED_NOTHING = frozenset({"run_flow"})
"""Commands that run without a home, a database, Redis or a model's key."""
NAME_FILES = NEED_NOTHING | {"vault", "rag"}
"""Commands whose words name files, from where the person stands: an export and its key belong in no checkout."""


def main(words: list[str]) -> int:
    """Do what the first word says."""
    commands = {"up": _up, "test": _test, "manage": _manage, "doctor": _doctor, "process": _process}
    commands["provision"] = _provision
    if not words or words[0] not in commands:
        say(f"Say one of: {', '.join(commands)}.", stream=sys.stderr)
        return 2
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts `bin/up &` with Ctrl-C switched off
    try:
        return commands[words[0]](words[1:])
    except LocalFault as fault:
        say(f"\n{fault}", stream=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("\nStopped.", stream=sys.stderr)
        return 130


def _up(_words: list[str]) -> int:
    from codexos.local.up import serve

    return serve(setup_here())


def _test(words: list[str]) -> int:
    from codexos.local.suite import run_suite

    return run_suite(words)


def _doctor(_words: list[str]) -> int:
    from codexos.local.doctor import examine

    return examine(setup_here())


def _process(words: list[str]) -> int:
    setup = setup_here()
    setup.home.prepare()
    if words[0] == "supervisor":
        supervision.become_supervisor(setup.home)
    processes.run(words[0], setup=setup, is_durable="--disposable" not in words)
    return 0


def _provision(_words: list[str]) -> int:
    """Make the three roles on the server of DATABASE_ADMIN_URL with the passwords their own addresses carry."""
    provision_given(setup_here())
    say("The roles, the database and the vector extension are in place.")
    return 0


def _manage(words: list[str]) -> int:
    """Run manage.py beside the running bin/up, or with the embedded servers started for this one command."""
    if words[:1] == ["doctor"]:
        return _doctor(words[1:])
    setup = setup_here()
    if words[:1] and words[0] in NEED_NOTHING:
        return _run_manage(setup.variables_of_nothing(), words)
    setup.home.prepare()
    is_anything_embedded = setup.has_own_database or setup.has_own_redis
    if not is_anything_embedded or _is_served(setup):
        return _run_manage(setup.variables(), words)
    with held(setup.home, doing="bin/manage", wait_seconds=WAIT_FOR_ANOTHER_COMMAND_SECONDS):
        clear_leftovers(setup.home)
        with serving(setup):
            return _run_manage(setup.variables(), words)


def _is_served(setup: Setup) -> bool:
    holder = holder_of(setup.home)
    return is_held(setup.home) and holder is not None and holder.doing == SERVING


def _run_manage(variables: dict[str, str], words: list[str]) -> int:
    command = [sys.executable, str(CHECKOUT / "manage.py"), *words]
    folder = CHECKOUT
    if words[:1] and words[0] in NAME_FILES:
        # bin/manage notes where the person stands before it leaves there.
        folder = Path(os.environ.get("CALLED_FROM") or CHECKOUT)
    with subprocess.Popen(command, cwd=folder, env=variables) as child:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command gets the Ctrl-C itself and ends as it likes
        code = child.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
