# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Words of prose, and names of code with their parts."""

import pytest

from rag.engine.stems import stem
from rag.engine.terms import names_in, question_terms, search_vector, terms_of


@pytest.mark.parametrize(
    ("name", "terms"),
    [
        ("getUserName", {"get", "user", "name", "getusername"}),
        ("get_user_name", {"get", "user", "name", "getusername"}),
        ("HTTPServer2", {"http", "server", "2", "httpserver2"}),
        ("auth.login", {"auth", "login"}),
        ("src/auth/login.py", {"src", "auth", "login", "py"}),
        ("__init__", {"init"}),
        ("utf8", {"utf", "8", "utf8"}),
        ("9f86d081884c7d659a2feaa0c55ad015", {"9f86d081884c7d659a2feaa0c55ad015"}),
        ("Müllers Häuser", {"muller", "hauser"}),
        ("the user's", {"user"}),
        ("東京都", {"東京", "京都"}),
        ("_ ... ''", set()),
    ],
)
def test_names_come_apart_and_stay_whole(name: str, terms: set[str]) -> None:
    assert {term.text for term in terms_of(name)} == terms


def test_endings_go() -> None:
    words = {"connections": "connect", "connecting": "connect", "flies": "fli", "hopping": "hop", "agreed": "agre"}
    assert {word: stem(word) for word in words} == words
    assert stem("größe") == "größe"
    assert stem("is") == "is"


def test_a_question_is_about_its_words_each_once() -> None:
    assert question_terms("How do I read the users of the user table?") == ["read", "user", "tabl"]
    assert question_terms("who are you") == ["who", "are", "you"]
    assert question_terms("?!") == []


def test_names_in_questions_are_told_from_words() -> None:
    assert names_in("where does getUserName read user_name with HTTP2?") == ["getUserName", "user_name", "HTTP2"]
    assert names_in("How do I read a file in Python?") == []


def test_a_tsvector_marks_labels_and_counts() -> None:
    text, count = search_vector(["Users"], "It reads users")
    assert text == "'user':1A,5 'read':4"
    assert count == 3


def test_what_a_tsvector_cannot_hold_is_left_out() -> None:
    text, _ = search_vector([], "word " * 20_000 + "x" * 5_000)
    places = text.split("'word':")[1].split(" ")[0].split(",")
    assert len(places) == 255
    assert "x" * 65 not in text
