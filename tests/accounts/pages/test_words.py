# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The German words: the compiled catalog is the written one, and keeps every placeholder."""

import ast
import gettext
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

from accounts.templatetags.people import deed
from tests.accounts.pages.conftest import Browse
from tests.factories import World

FOLDER = Path(settings.LOCALE_PATHS[0]) / "de" / "LC_MESSAGES"
_ENTRY = re.compile(r'^(msgid|msgid_plural|msgstr(?:\[\d\])?) ((?:".*"\n?)+)', re.M)
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%d")


def test_the_compiled_catalog_is_the_written_one() -> None:
    written = {entry["msgid"]: entry for entry in _entries() if entry["msgid"]}
    compiled = gettext.GNUTranslations((FOLDER / "django.mo").open("rb"))
    assert len(written) > 500
    for words, entry in written.items():
        if entry.get("msgstr"):
            assert compiled.gettext(words) == entry["msgstr"]
        elif entry.get("msgstr[0]"):
            assert compiled.ngettext(words, entry["msgid_plural"], 2) == entry["msgstr[1]"]


def test_no_translation_loses_a_placeholder() -> None:
    for entry in _entries():
        for kind, words in entry.items():
            if kind.startswith("msgstr") and words and entry["msgid"]:
                source = entry["msgid_plural" if kind == "msgstr[1]" else "msgid"]
                assert sorted(_PLACEHOLDER.findall(words)) == sorted(_PLACEHOLDER.findall(source)), words


def test_a_page_speaks_german_to_who_asks_for_it(world: World, browse: Browse) -> None:
    text = browse(world.admin).get(reverse("members"), headers={"Accept-Language": "de"}).content.decode()
    assert "Was jede Rolle darf" in text
    assert "What each role may do" not in text


def _entries() -> list[dict[str, str]]:
    blocks = (FOLDER / "django.po").read_text().split("\n\n")
    return [{kind: _joined(lines) for kind, lines in _ENTRY.findall(block)} for block in blocks]


def _joined(lines: str) -> str:
    return "".join(ast.literal_eval(line) for line in lines.strip().splitlines())


@pytest.mark.parametrize(
    ("action", "said"),
    [("file.stored", "stored file"), ("person.signed_in", "signed in"), ("break_glass.entered", "entered break glass")],
)
def test_deeds_are_said_as_people_say_them(action: str, said: str) -> None:
    assert deed(action) == said
