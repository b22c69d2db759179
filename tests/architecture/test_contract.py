# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The import contract is kept, and nothing that stands in the house is left off its lists."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

HOUSE: Path = settings.BASE_DIR
CONTRACT: dict[str, Any] = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
RULES = {rule["id"]: rule for rule in CONTRACT["contracts"]}
APPS = sorted(path.parent.name for path in HOUSE.glob("*/apps.py") if path.parent.name != "codexos")
YARD = {"cli"}
SANDBOX = "sandbox"
DOORS = ("api/views", "views", "consumers", "mcp_server")
PRIVATE = ("api", "views", "tasks", "workers", "adapters", "engine", "crypto")


def test_the_contract_is_kept() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=HOUSE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_app_is_on_every_list() -> None:
    assert set(CONTRACT["root_packages"]) == {"codexos", *APPS, *YARD, SANDBOX}
    assert {name for name in RULES["floors"]["layers"] if ":" not in name} == {*APPS, "codexos.kernel"}
    assert set(RULES["rooms"]["containers"]) == set(APPS)
    assert set(RULES["no-circles"]["ancestors"]) == {"codexos", *APPS, *YARD, SANDBOX}
    assert set(RULES["doors"]["source_modules"]) == {"codexos", *APPS}


def test_the_yard_and_the_house_know_nothing_of_each_other() -> None:
    assert set(RULES["yard"]["source_modules"]) == YARD
    assert set(RULES["yard"]["forbidden_modules"]) >= {"codexos", *APPS}
    assert set(RULES["yard-wall"]["source_modules"]) == {"codexos", *APPS}
    assert set(RULES["yard-wall"]["forbidden_modules"]) == YARD


def test_the_sandbox_knows_nothing_of_the_house_but_its_cellar_and_is_known_to_nobody() -> None:
    assert RULES["sandbox"]["source_modules"] == [SANDBOX]
    assert set(RULES["sandbox"]["forbidden_modules"]) >= {*APPS, *YARD, "django", "psycopg", "redis", "celery"}
    assert set(RULES["sandbox-wall"]["source_modules"]) == {"codexos", *APPS, *YARD}
    assert RULES["sandbox-wall"]["forbidden_modules"] == [SANDBOX]


def test_the_whole_roof_is_on_the_list() -> None:
    listed = {name.strip() for line in RULES["floors"]["layers"] if ":" in line for name in line.split(":")}
    assert listed == {f"codexos.{name}" for name in _children(HOUSE / "codexos") - {"kernel"}}


def test_every_front_door_is_thin() -> None:
    doors = {f"{app}.{door.replace('/', '.')}" for app in APPS for door in DOORS if _stands(HOUSE / app / door)}
    assert set(RULES["thin"]["source_modules"]) == doors


@pytest.mark.parametrize("app", APPS)
def test_private_rooms_are_private(app: str) -> None:
    above = [name for name in APPS if name != app and _floor(name) < _floor(app)]
    private = {f"{app}.{room}" for room in PRIVATE if _stands(HOUSE / app / room)}
    for other in above:
        forbidden = {
            room
            for name, rule in RULES.items()
            if name.startswith("private-rooms") and other in rule["source_modules"]
            for room in rule["forbidden_modules"]
        }
        assert private <= forbidden, f"{other} may reach into {private - forbidden}"


def test_every_engine_is_pure() -> None:
    engines = {f"{app}.{room}" for app in APPS for room in ("engine", "crypto") if _stands(HOUSE / app / room)}
    assert set(RULES["pure"]["source_modules"]) == engines


def _floor(app: str) -> int:
    return int(RULES["floors"]["layers"].index(app))


def _stands(path: Path) -> bool:
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def _children(package: Path) -> set[str]:
    modules = {path.stem for path in package.glob("*.py") if path.stem != "__init__"}
    return modules | {path.parent.name for path in package.glob("*/__init__.py")}
