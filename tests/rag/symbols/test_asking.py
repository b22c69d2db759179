# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What questions want of code, and how well what is known answers them."""

import pytest

from rag.engine.symbols.asking import Wanted, read_question
from rag.engine.symbols.facts import ReferenceKind, SymbolKind
from rag.engine.symbols.importing import ends_of, is_meant
from rag.engine.symbols.places import Known, Spot, best_spots, holding, rate_definition, rate_use
from rag.engine.symbols.words import key_of, words_of


@pytest.mark.parametrize(
    ("question", "wanted", "name"),
    [
        ("where is auth?", Wanted.DEFINITION, "auth"),
        ("Where is load_user defined?", Wanted.DEFINITION, "load_user"),
        ("which file handles the user session", Wanted.DEFINITION, "user_session"),
        ("wo ist die Anmeldung?", Wanted.DEFINITION, "anmeldung"),
        ("who calls load_user", Wanted.REFERENCES, "load_user"),
        ("callers of User::save()", Wanted.REFERENCES, "save"),
        ("Where is `AuthBackend.login` used?", Wanted.REFERENCES, "login"),
        ("which class implements SourceReader", Wanted.REFERENCES, "SourceReader"),
        ("wer ruft loadUser auf?", Wanted.REFERENCES, "loadUser"),
        ("who imports rag.engine.ports", Wanted.IMPORTERS, "ports"),
        ("what depends on the billing module", Wanted.IMPORTERS, "billing"),
        ("explain AuthBackend to me", Wanted.ANYTHING, "AuthBackend"),
    ],
)
def test_questions_about_code(question: str, wanted: Wanted, name: str) -> None:
    asked = read_question(question)
    assert (asked.wanted, asked.is_about_code) == (wanted, True)
    assert name in [one.text for one in asked.names]


@pytest.mark.parametrize(
    "question",
    ["how do I reset my password?", "what is the capital of France", "python check if a file is writable", "", "???",
     "see README.md", "the the the", "$ % & /", "a" * 10_000, "where is it?"],
)  # fmt: skip
def test_questions_about_other_things(question: str) -> None:
    assert not read_question(question).is_about_code


def test_what_was_said_before_a_name() -> None:
    name = read_question("where is AuthBackend.login()").names[0]
    assert (name.text, name.scope, name.is_sure) == ("login", "AuthBackend", True)


def test_words_of_names() -> None:
    assert words_of("getUserNames") == words_of("get_user_names") == ("get", "user", "name")
    assert words_of("HTTPServer2") == ("http", "server", "2")
    assert key_of("load_user") == key_of("LoadUser") == "loaduser"


def known(name: str, kind: SymbolKind = SymbolKind.FUNCTION, *, path: str = "a/b.py", scope: str = "") -> Known:
    """A symbol."""
    return Known(name, kind, scope, 1, 2, path)


def rate(one: Known, question: str, **counts: int) -> float:
    """How well it answers."""
    return rate_definition(one, read_question(question), counts=counts)


def test_the_very_name_is_best() -> None:
    question = "where is load_user"
    rates = [rate(known(name), question) for name in ("load_user", "loadUser", "load_user_name", "user", "render")]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == 1.0
    assert rates[-1] == 0.0


def test_what_was_said_before_a_name_counts() -> None:
    question = "where is AuthBackend.login"
    assert rate(known("login", scope="AuthBackend"), question) > rate(known("login", scope="Form"), question)


def test_tests_and_copies_come_later() -> None:
    question = "where is load_user"
    rates = [rate(known("load_user", path=path), question) for path in ("a.py", "tests/a.py", "node_modules/a.js")]
    assert rates == sorted(rates, reverse=True)
    assert rates[2] > 0
    assert rate(known("load_user", path="tests/a.py"), "where is the test of load_user") == 1.0


def test_a_rare_word_says_more() -> None:
    question = "where is the invoice handler"
    counts = {"invoice": 3, "handler": 4_000}
    assert rate(known("invoice_total"), question, **counts) > rate(known("error_handler"), question, **counts)


def test_uses() -> None:
    asked = read_question("who calls load_user")
    sure = rate_use(ReferenceKind.CALL, "a.py", asked, is_sure=True, is_linked=True)
    assert sure == 1.0
    assert sure > rate_use(ReferenceKind.CALL, "a.py", asked, is_sure=True, is_linked=False)
    assert sure > rate_use(ReferenceKind.IMPORT, "a.py", asked, is_sure=True, is_linked=True)


def test_spots_and_the_ranges_that_hold_them() -> None:
    spots = [("a", Spot(3, 0.5, "")), ("a", Spot(3, 0.9, "")), ("b", Spot(1, 0.1, "")), ("b", Spot(2, 0.95, ""))]
    assert [(name, spot.score) for name, spot in best_spots(spots, most=9)] == [("b", 0.95), ("a", 0.9)]
    ranges = [("file", (1, 90)), ("class", (10, 40)), ("method", (20, 25))]
    assert [holding(Spot(line, 1, ""), ranges) for line in (5, 12, 22, 91)] == ["file", "class", "method", None]


@pytest.mark.parametrize(
    ("target", "path", "meant"),
    [
        ("app/auth", "src/app/auth.py", True),
        ("app/auth", "app/auth/__init__.py", True),
        ("example.com/shop/internal/store", "internal/store/rows.go", True),
        ("shop/store/Session", "src/main/java/shop/store/Session.java", True),
        ("json", "deep/down/json.py", False),
        ("json", "json.py", True),
        ("app/auth", "app/authors.py", False),
        ("other/auth", "app/auth.py", False),
    ],
)
def test_where_imports_lead(target: str, path: str, meant: bool) -> None:
    assert any(is_meant(target, end) for end in ends_of(path)) is meant
