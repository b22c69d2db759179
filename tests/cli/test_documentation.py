# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""docs/cli.md says what the command line really has."""

import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from typer.main import get_command

from cli.exits import MEANINGS, Exit, exit_of_status
from cli.main import app
from codexos.error_list import list_errors

PAGE = (settings.BASE_DIR / "docs" / "cli.md").read_text(encoding="utf-8")


def commands(group: Any, *, above: str = "codexos") -> Iterator[tuple[str, Any]]:
    """Yield every command with what one types for it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, above=f"{above} {name}")
        else:
            yield f"{above} {name}", command


def test_every_command_and_option_is_in_the_table() -> None:
    told = dict(re.findall(r"^\| `(codexos [a-z ]+)` \| (.*) \|$", PAGE, re.MULTILINE))
    real = dict(commands(get_command(app)))
    assert set(told) == set(real)
    for name, row in told.items():
        options = {option for param in real[name].params for option in param.opts if option.startswith("--")}
        assert set(re.findall(r"`(--[a-z-]+)", row)) <= options, name


def test_every_command_has_help() -> None:
    for name, command in commands(get_command(app)):
        assert command.help, name
        assert all(param.help for param in command.params), name


def test_the_table_of_exit_codes_is_fresh() -> None:
    told = {int(code): meaning for code, meaning in re.findall(r"^\| (\d+) \| (.*) \|$", PAGE, re.MULTILINE)}
    assert told == {int(code): meaning for code, meaning in MEANINGS.items()}
    assert set(MEANINGS) == set(Exit)


def test_every_kind_of_error_has_the_exit_code_of_its_kind() -> None:
    kinds = {401: Exit.NOT_SIGNED_IN, 403: Exit.NOT_ALLOWED, 404: Exit.NOT_FOUND, 409: Exit.CONFLICT, 429: Exit.LIMIT}
    kinds |= {412: Exit.CONFLICT, 413: Exit.LIMIT, 422: Exit.INVALID, 400: Exit.INVALID, 411: Exit.INVALID}
    kinds |= {415: Exit.INVALID, 416: Exit.INVALID, 405: Exit.BROKEN, 406: Exit.BROKEN, 500: Exit.BROKEN}
    kinds |= {503: Exit.UNAVAILABLE}
    for error in list_errors():
        assert exit_of_status(error.status) is kinds[error.status], error.code
