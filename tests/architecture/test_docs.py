# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The documentation says what is there: paths, settings, commands, links, roles, flows."""

import ast
import json
import os
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands

from agents.engine.documents import check_flow
from agents.engine.registry import KINDS
from codexos.management.commands.write_roles import roles_page
from tests.architecture.sources import HOUSE as ROOT
from tests.architecture.sources import tracked

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]

SUFFIXES = (".py", ".md", ".sql", ".txt", ".toml", ".yaml", ".html", ".ts", ".css", ".json", ".in", ".sh", ".template")
# Made by whoever installs it, or media types and addresses that only look like paths.
NO_PATHS = re.compile(
    r"/.*|\d.*|\$.*|~.*|\.\./.*|\w+://.*|\w+=.*|.*[<>…\s].*|\.venv.*|\.codexos.*|static/dist.*|(application|text|multipart)/.*"
)
CODE_BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def prose(name: str) -> str:
    return CODE_BLOCK.sub("", read(name))


@cache
def known_names() -> frozenset[str]:
    """Return every file and folder that git knows, and every file by its bare name."""
    paths = tracked()
    folders = {str(folder) for path in paths for folder in path.parents}
    return frozenset({*map(str, paths), *folders, *(path.name for path in paths)})


def spelled_out(path: str) -> list[str]:
    """Return every path that ``a/{b,c}.py`` stands for."""
    parts = re.split(r"\{([^}]*)\}", path)
    choices = [part.split(",") if index % 2 else [part] for index, part in enumerate(parts)]
    return ["".join(chosen) for chosen in product(*choices)]


def paths_in(name: str) -> Iterator[str]:
    for span in SPAN.findall(prose(name)):
        word = span.split(" ")[0].rstrip("/")
        is_path = "/" in word.strip("/") or word.endswith(SUFFIXES)
        if is_path and not NO_PATHS.fullmatch(span if "/" in span.split(" ")[0] else word):
            yield from spelled_out(word)


@pytest.mark.parametrize("name", NAMES)
def test_every_path_that_is_named_exists(name: str) -> None:
    known = known_names()
    missing = [
        path
        for path in paths_in(name)
        if path not in known and not ("*" in path and any(fnmatch(one, path) for one in known))
    ]
    assert missing == []


def settings_read() -> set[str]:
    """Return every variable that codexos/settings.py reads through ``env``."""
    tree = ast.parse(read("codexos/settings.py"))
    assigned = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_env_reader(node.func):
            for argument in node.args:
                shown = assigned.get(argument.id, argument) if isinstance(argument, ast.Name) else argument
                found.update(_variables(shown))
    return found


def _is_env_reader(function: ast.expr) -> bool:
    is_method = isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name)
    return is_method and function.value.id == "env"  # type: ignore[attr-defined]


def _variables(value: ast.expr) -> Iterator[str]:
    for node in ast.walk(value):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and re.fullmatch(r"[A-Z][A-Z0-9_]+", node.value)
        ):
            yield node.value


def settings_explained() -> set[str]:
    return set(re.findall(r"^([A-Z][A-Z0-9_]+)=", read(".env.template"), re.MULTILINE))


def settings_in_operations() -> set[str]:
    return set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \|", read("docs/operations.md"), re.MULTILINE))


def test_the_reader_of_settings_finds_them_all() -> None:
    assert {"PORT", "DATABASE_URL", "DATABASE_OWNER_URL", "VAULT_MASTER_KEY", "CODEXOS_MODE"} <= settings_read()


def test_every_setting_is_in_the_template_and_in_operations() -> None:
    assert settings_read() - settings_explained() == set()
    assert settings_explained() ^ settings_in_operations() == set()


def test_every_command_that_is_named_exists() -> None:
    commands = {*get_commands(), "doctor"}
    for name in NAMES:
        text = read(name)
        for script in set(re.findall(r"(?<![\w/.])bin/(\w+)", text)):
            assert os.access(ROOT / "bin" / script, os.X_OK), f"{name} names bin/{script}"
        for command in set(re.findall(r"\bbin/manage (\w+)", text)):
            assert command in commands, f"{name} names bin/manage {command}"


def test_the_first_page_shows_the_two_commands() -> None:
    blocks = "".join(body for kind, body in CODE_BLOCK.findall(read("README.md")) if kind == "sh")
    assert "bin/up" in blocks
    assert "bin/test" in blocks
    assert "curl" in blocks


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page as GitHub makes them."""
    titles = HEADING.findall(CODE_BLOCK.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", NAMES)
def test_every_link_inside_leads_somewhere(name: str) -> None:
    page = ROOT / name
    for link in LINK.findall(prose(name)):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in anchors(target), f"{link} names no heading of {target.name}"


def test_every_page_is_reached_from_the_first_one() -> None:
    reached, ahead = set[Path](), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = (link.partition("#")[0] for link in LINK.findall(page.read_text(encoding="utf-8")))
        ahead.extend((page.parent / link).resolve() for link in links if link and not link.startswith("http"))
    assert {str(page.relative_to(ROOT)) for page in set(PAGES) - reached} == set()


def test_the_table_of_roles_is_fresh() -> None:
    assert read("docs/roles.md") == roles_page(), "Run bin/manage write_roles and commit docs/roles.md."


def flow_examples() -> list[Any]:
    shown = [
        json.loads(body)
        for kind, body in CODE_BLOCK.findall(read("docs/flows.md") + read("docs/tools.md") + read("docs/agents.md"))
        if kind == "json"
    ]
    sent = re.search(r"<<'JSON'\n(.*?)\nJSON\n", read("README.md"), re.DOTALL)
    assert sent is not None
    return [*shown, json.loads(sent[1])["flow"]]


def test_every_example_of_a_flow_can_run() -> None:
    examples = flow_examples()
    assert len(examples) > 5
    for example in examples:
        assert check_flow(example) == [], json.dumps(example)


def test_every_kind_of_node_has_an_example() -> None:
    shown = {node["type"] for example in flow_examples() for node in example["nodes"]}
    assert shown == set(KINDS)
    for kind in KINDS:
        assert f"\n### {kind}\n" in read("docs/flows.md")


def test_no_page_knows_how_it_was_written() -> None:
    # In brackets, so that this file does not find itself where all sources are searched.
    for name in NAMES:
        assert re.search(r"[/]work/|[/]tmp/plan|[.][.]/shared|issue [#]", read(name)) is None, name
