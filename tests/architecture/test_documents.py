# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the code reads and raises is written down where people look."""

import ast
import inspect

from codexos.error_list import errors_page, every_kind
from tests.architecture.sources import HOUSE

READERS = frozenset(
    {"text", "flag", "number", "words", "choice", "key", "keys", "secret", "bearer", "web_address", "openings"}
)


def test_every_setting_stands_in_the_template() -> None:
    template = (HOUSE / ".env.template").read_text(encoding="utf-8")
    assert sorted(name for name in _settings() if name not in template) == []


def test_settings_are_found() -> None:
    assert {"REDIS_URL", "CODEXOS_MASTER_KEY", "VAULT_MASTER_KEY"} <= _settings()


def test_every_error_says_what_it_means() -> None:
    assert [kind.__qualname__ for kind in every_kind() if not inspect.getdoc(kind)] == []
    page = errors_page()
    assert [line for line in page.splitlines() if line.endswith("|  |  |")] == []


def _settings() -> set[str]:
    """Return the names that codexos/settings.py reads from the environment."""
    tree = ast.parse((HOUSE / "codexos" / "settings.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _reads_environment(node)]
    return {
        argument.value
        for call in calls
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def _reads_environment(call: ast.Call) -> bool:
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr in READERS
        and isinstance(function.value, ast.Name)
        and function.value.id == "env"
    )
