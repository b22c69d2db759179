# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Which parts are embedded follows from what a person has set, and every process gets the same variables."""

import re
from pathlib import Path

import pytest

from codexos.local import redis
from codexos.local.environment import Setup, as_role, database_of, env_file
from codexos.local.errors import LocalFault
from codexos.local.home import CHECKOUT, Home
from codexos.local.suite import clean_environment

SERVER = "postgresql://admin:pw@db.example:5433/codexos?sslmode=require"
READ_BY_SETTINGS = re.compile(
    r"env\.(?:text|flag|number|words|choice|keys?|secret|bearer|web_address|openings)\(([^)]*)"
)


def test_with_nothing_set_everything_is_embedded(home: Home) -> None:
    redis.prepare(home)
    variables = Setup(home, {}).variables()
    assert variables["CODEXOS_EMBEDDED"] == "1"
    assert variables["DATABASE_URL"].startswith("postgresql://codexos_app:")
    assert variables["DATABASE_OWNER_URL"].startswith("postgresql://codexos_owner:")
    assert variables["DATABASE_JOURNAL_URL"].startswith("postgresql://codexos_journal:")
    assert variables["CODEXOS_MASTER_KEY_FILE"] == str(home.keys / "master.key")
    assert variables["HOST"] == "127.0.0.1"


def test_with_all_set_nothing_is_embedded_and_no_key_is_made(home: Home) -> None:
    given = {"DATABASE_URL": SERVER, "DATABASE_OWNER_URL": SERVER, "DATABASE_JOURNAL_URL": SERVER}
    given |= {"REDIS_URL": "redis://queue", "CODEXOS_MASTER_KEY": "k"}
    setup = Setup(home, given)
    variables = setup.variables()
    embedded = [setup.has_own_database, setup.has_own_redis, setup.has_own_key, setup.is_administrator_given]
    assert not any(embedded)
    assert "CODEXOS_EMBEDDED" not in variables
    assert variables["DATABASE_URL"] == SERVER
    assert list(home.keys.iterdir()) == []


def test_the_administrator_of_a_server_is_never_handed_to_the_product(home: Home) -> None:
    setup = Setup(home, {"DATABASE_URL": SERVER, "REDIS_URL": "redis://queue"})
    variables = setup.variables()
    assert setup.is_administrator_given
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_JOURNAL_URL"):
        assert "admin:pw" not in variables[name]
        assert variables[name].endswith("@db.example:5433/codexos?sslmode=require")


def test_who_wants_no_bytecode_beside_the_sources_gets_it_in_the_home(home: Home) -> None:
    redis.prepare(home)
    variables = Setup(home, {"PYTHONDONTWRITEBYTECODE": "1"}).variables()
    assert "PYTHONDONTWRITEBYTECODE" not in variables
    assert variables["PYTHONPYCACHEPREFIX"] == str(home.bytecode)
    assert "PYTHONPYCACHEPREFIX" not in Setup(home, {}).variables()
    assert Setup(home, {"PYTHONPYCACHEPREFIX": "/elsewhere"}).variables()["PYTHONPYCACHEPREFIX"] == "/elsewhere"


@pytest.mark.parametrize("name", ["CODEXOS_MASTER_KEY", "VAULT_MASTER_KEY", "CODEXOS_MASTER_KEY_FILE"])
def test_a_given_master_key_is_the_one(home: Home, name: str) -> None:
    assert not Setup(home, {name: "x"}).has_own_key


@pytest.mark.parametrize("text", ["0", "70000", "http", "-1", "80.5"])
def test_a_port_that_is_none_is_refused_with_an_example(home: Home, text: str) -> None:
    with pytest.raises(LocalFault, match="PORT=8000"):
        _ = Setup(home, {"PORT": text}).port


def test_a_password_with_any_sign_survives_in_an_address() -> None:
    assert as_role(SERVER, "app", password="a/b@c:d") == (
        "postgresql://app:a%2Fb%40c%3Ad@db.example:5433/codexos?sslmode=require"
    )


def test_an_address_without_a_database_is_refused() -> None:
    with pytest.raises(LocalFault, match="names no database"):
        database_of("postgresql://admin@db.example")


def test_the_env_file_is_read_and_blank_lines_set_nothing(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# a comment\nexport PORT=9000\nOPENAI_API_KEY=\nQUOTED='a b'\nnonsense\n")
    assert env_file(tmp_path / ".env") == {"PORT": "9000", "QUOTED": "a b"}
    assert env_file(tmp_path / "missing") == {}


def test_tests_see_nothing_of_a_persons_installation() -> None:
    given = {"DATABASE_URL": "x", "OPENAI_API_KEY": "x", "VAULT_MASTER_KEY": "x", "PORT": "1", "PATH": "/bin"}
    assert clean_environment(given) == {"PATH": "/bin"}


def test_every_setting_is_explained_in_the_template() -> None:
    source = (CHECKOUT / "codexos" / "settings.py").read_text()
    words = " ".join(text.split("default=")[0] for text in READ_BY_SETTINGS.findall(source))
    read = set(re.findall(r'"([A-Z][A-Z0-9_]+)"', words))
    assert "REDIS_URL" in read, "the pattern finds what settings.py reads"
    explained = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", (CHECKOUT / ".env.template").read_text(), re.MULTILINE))
    assert read - explained == set()
