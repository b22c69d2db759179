# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``codexos``: all commands, and how whatever happens becomes a sentence and an exit code."""

import os
from collections.abc import Callable, Mapping
from typing import Annotated

import typer

from . import __version__, files, flows, guide, run, runs, screen, secrets, sign_in, travel, triggers
from .exits import Exit
from .faults import Fault
from .parameters import Commands

app = Commands(help="Run agent flows and watch them, from the command line.")
_COMMANDS: Mapping[str, Callable[..., int | None]] = {
    "login": sign_in.login,
    "logout": sign_in.logout,
    "whoami": sign_in.whoami,
    "run": run.run_flow,
    "runs": runs.list_runs,
    "show": runs.show_run,
    "logs": runs.show_logs,
    "cancel": runs.cancel_run,
    "pause": runs.pause_run,
    "resume": runs.resume_run,
    "approvals": runs.list_approvals,
    "decide": runs.decide_step,
    "retry": travel.retry_run,
    "rerun": travel.rerun_from,
    "fork": travel.fork_run,
    "try": travel.try_draft,
    "replay": travel.replay_run,
    "help": guide.show_help,
}
for _name, _function in _COMMANDS.items():
    app.add(_function, _name)
app.add_typer(flows.app, name="flows")
app.add_typer(files.app, name="files")
app.add_typer(triggers.app, name="triggers")
app.add_typer(secrets.app, name="secrets")


def _version(is_wanted: bool) -> None:
    if is_wanted:
        screen.say(f"codexos {__version__}")
        raise typer.Exit


@app.callback()
def codexos(
    version: Annotated[bool, typer.Option("--version", is_eager=True, callback=_version, help="Say it.")] = False,
    profile: Annotated[str, typer.Option("--profile", metavar="NAME", help="The sign-in to use.")] = "",
) -> None:
    """Run agent flows and watch them, from the command line."""
    if profile:
        os.environ["CODEXOS_PROFILE"] = profile


def main(words: list[str] | None = None) -> int:
    """Do what the words say; return the exit code."""
    screen.prepare()
    try:
        return int(app(words, prog_name="codexos", standalone_mode=False) or 0)
    except Fault as fault:
        screen.tell_fault(fault)
        return fault.exit_code
    except Exception as error:
        show = getattr(error, "show", None)
        if not callable(show):
            raise
        show()  # typer's own: a command that is written wrongly
        return Exit.USAGE
