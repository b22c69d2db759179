# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How commands read their words: by typer, but without the 200 ms that typer spends on loading pydantic for it."""

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from .exits import Exit
from .faults import Fault, usage


class _AsItIs:
    """Hands words on as they were written: every parameter here is a text, a list of texts or a flag."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return a value as the command declares it."""
        if value is None:
            return [] if param.multiple or param.nargs == -1 else None
        return list(value) if isinstance(value, tuple) else value


def _taken_as_they_are(params: list[Any]) -> list[Any]:
    for param in params:
        # Where typer keeps what it would build on first use; one that keeps it elsewhere builds its own, slower.
        param._runtime_param = _AsItIs()
    return params


class _Command(TyperCommand):
    """A command whose parameters need no conversion."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return its parameters."""
        return _taken_as_they_are(super().get_params(ctx))


class _Group(TyperGroup):
    """A group whose own parameters need none either."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return its parameters."""
        return _taken_as_they_are(super().get_params(ctx))


class Commands(typer.Typer):
    """A group of commands that starts fast and shows help as plain text."""

    def __init__(self, **options: Any) -> None:
        plain: dict[str, Any] = {"rich_markup_mode": None, "pretty_exceptions_enable": False}
        super().__init__(cls=_Group, no_args_is_help=True, **plain, **options)

    def add(self, function: Callable[..., int | None], name: str) -> None:
        """Offer a function as a command."""
        self.command(name, cls=_Command)(_ending_well(function))


def _ending_well(function: Callable[..., int | None]) -> Callable[..., int | None]:
    """Say what interrupts a command before typer makes an exit code of it that means something else."""

    @wraps(function)
    def command(*args: Any, **kwargs: Any) -> int | None:
        try:
            return function(*args, **kwargs)
        except (KeyboardInterrupt, EOFError):
            raise Fault("interrupted.", exit_code=Exit.INTERRUPTED) from None
        except BrokenPipeError:
            # Whoever read has seen enough, as in `codexos runs | head`.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return Exit.DONE

    return command


def number(text: str, *, called: str, least: int = 1) -> int:
    """Return a whole number. Raises Fault for anything else."""
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or int(text) < least:
        raise usage(f"{called} is {text!r}; write a whole number from {least}.")
    return int(text)


Follow = Annotated[bool, typer.Option("--follow", "-f", help="Show each entry on stderr as it comes.")]
Detach = Annotated[bool, typer.Option("--detach", "-d", help="Do not wait: write the run's id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]
Project = Annotated[str, typer.Option("--project", metavar="SLUG", help="The project, where you see several.")]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="The run's id.")]
Slug = Annotated[str, typer.Argument(metavar="FLOW", help="The flow's short name or id.")]
FlowFile = Annotated[str, typer.Argument(metavar="FILE", help="A flow document, JSON or YAML.")]
