# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Questions about code lead to the chunks that answer them, and only to one's own."""

import pytest

from accounts.tenancy import tenant
from rag.adapters.symbol_leg import SymbolHit, find_symbols
from rag.models import Document, Symbol, SymbolImport, SymbolReading, SymbolReference, SymbolWord
from rag.workers.symbols import forget_symbols, index_symbols
from tests.factories import World
from tests.rag.symbols.bases import Code, make_code

pytestmark = pytest.mark.django_db

AUTH = '''"""Signing in."""

import hashlib


class AuthBackend:
    """Knows who somebody is."""

    def login(self, name, password):
        return load_user(name)


def load_user(name):
    """Return a user."""
    return {"name": name}
'''
VIEWS = """from app.auth import AuthBackend, load_user

def profile(request):
    user = load_user(request.name)
    return user


def sign_in(request):
    return AuthBackend().login(request.name, "")
"""
OTHER = """def load_invoice(number):
    return number

def render(invoice):
    return load_invoice(invoice)
"""


@pytest.fixture
def code(world: World) -> Code:
    """A base with three files of Python and one text."""
    made = make_code(world.dev, world.project)
    made.add("app/auth.py", AUTH)
    made.add("app/views.py", VIEWS)
    made.add("billing/invoices.py", OTHER)
    made.add("README.md", "Where is auth? Nobody knows. load_user()")
    return made


def ask(code: Code, question: str) -> list[SymbolHit]:
    """Ask the leg."""
    with tenant(code.organization_id):
        return find_symbols(code.organization_id, [code.index.pk], question)


def test_where_is_auth(code: Code) -> None:
    first, *_ = hits = ask(code, "where is auth?")
    assert "class AuthBackend" in code.text_of(first.chunk_id) or "Signing in" in code.text_of(first.chunk_id)
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert all(0 < hit.score <= 1 for hit in hits)


def test_where_a_name_is_defined(code: Code) -> None:
    first, *_ = ask(code, "Where is load_user defined?")
    assert "def load_user" in code.text_of(first.chunk_id)
    assert first.score == 1.0
    assert first.why == "function load_user is defined here"


def test_a_name_in_plain_words(code: Code) -> None:
    first, *_ = ask(code, "where do we load the user")
    assert "def load_user" in code.text_of(first.chunk_id)


def test_who_calls_it(code: Code) -> None:
    hits = ask(code, "who calls load_user")
    reasons = [hit.why for hit in hits[:2]]
    assert sorted(reasons) == ["AuthBackend.login calls load_user", "profile calls load_user"]


def test_who_imports_it(code: Code) -> None:
    first, *_ = ask(code, "who imports app.auth?")
    assert "from app.auth import" in code.text_of(first.chunk_id)


def test_who_imports_a_library(code: Code) -> None:
    (hit,) = ask(code, "who imports hashlib?")
    assert "import hashlib" in code.text_of(hit.chunk_id)
    assert hit.why == "imports hashlib"


def test_questions_about_other_things_get_nothing(code: Code) -> None:
    assert ask(code, "how do I reset my password?") == []
    assert ask(code, "load") == []
    assert ask(code, "where is the flux capacitor?") == []


def test_another_organization_finds_nothing_of_it(world: World, code: Code) -> None:
    theirs = make_code(world.stranger, world.other_project)
    theirs.add("app/auth.py", "def theirs(): pass\n")
    for index in (code.index.pk, theirs.index.pk):
        with tenant(world.other.id):
            assert find_symbols(world.other.id, [index], "where is load_user?") == []
            assert find_symbols(code.organization_id, [index], "where is load_user?") == []
    assert ask(theirs, "where is theirs()?") != []
    with tenant(code.organization_id):
        assert find_symbols(code.organization_id, [theirs.index.pk], "where is theirs()?") == []


def test_what_changed_replaces_what_was(code: Code) -> None:
    with tenant(code.organization_id):
        document = Document.objects.for_organization(code.organization_id).get(path="app/auth.py")
    assert index_symbols(document, AUTH.encode()) is None
    index_symbols(document, b"def find_user(name): pass\n")
    assert not any("load_user is defined" in hit.why for hit in ask(code, "where is load_user"))
    assert ask(code, "where is find_user")[0].why == "function find_user is defined here"


def test_nothing_is_left_of_a_document_that_goes(code: Code) -> None:
    kinds = (Symbol, SymbolWord, SymbolReference, SymbolImport, SymbolReading)
    with tenant(code.organization_id):
        documents = list(Document.objects.for_organization(code.organization_id).values_list("pk", flat=True))
        forget_symbols(code.organization_id, documents[:1])
        Document.objects.for_organization(code.organization_id).filter(pk__in=documents[1:]).delete()
        for kind in kinds:
            assert not kind.objects.for_organization(code.organization_id).exists()


def test_what_cannot_be_read_says_why(code: Code) -> None:
    document = code.add("lib/min.js", "var a=1;" * 20_000)
    with tenant(code.organization_id):
        reading = SymbolReading.objects.for_organization(code.organization_id).get(document=document)
        assert (reading.reason, reading.symbols) == ("generated", 1)
