# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Each language's definitions, uses and imports are read, out of files that are whole, broken or hostile."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.adapters.grammars import GrammarLimits, SymbolReader
from rag.engine.symbols.facts import Reading, ReferenceKind
from rag.engine.symbols.languages import GRAMMARS, grammar_of

PYTHON = """
import os.path as p
from ..models import User as Someone, account
from . import tokens

class Backend(Base, metaclass=Meta):
    retries: int = 3

    @cached(60)
    async def login(self, name: Name) -> Token:
        def check(): return verify(name)
        return self.issue(name, on_fail=tokens)

MOST_TRIES = 5
handler = Backend()
"""
TYPESCRIPT = """
import session, { load as read } from '../store/session';
export { Guard } from './guard/index';
const raw = require('@/raw');
export const signIn = async (name: Name) => { await read(name); };
export default class Auth extends Base<Options> implements Service {
  private tries: number = 1;
  retry = () => this.login(session);
  login(): void { new Api.Client(); }
}
interface Service extends Closable { login(): void }
type Pair = [Left, Right];
enum Level { low }
namespace Deep { function inner() {} }
"""
JAVASCRIPT = """
import Page from './Page';
export function App() { return <Page onSave={save}/>; }
function save() { store.put(1); }
Thing.prototype.run = function () { save(); };
class Small extends Big { #secret = 1; get size() { return helper(); } }
var api = { list() {}, find: () => query() };
"""
GO = """
package auth
import ("fmt"; db "example.com/shop/internal/store")
type Service struct { Store db.Store; *Base }
type Checker interface { Check(name string) error }
func (s *Service) Login(t Token[int]) error { return s.verify(t) }
func New() *Service { fmt.Fprint(nil); return &Service{} }
const Limit = 3
"""
RUST = """
use crate::store::{self, Session, cache::Hot as H};
use super::tokens;
mod parser;
pub struct Auth { tries: u8 }
impl<T> Service for Auth<T> { fn login(&self) -> Token { self.check(); tokens::issue() } }
trait Service: Closable { fn login(&self); const N: u8; }
enum Level { Low }
macro_rules! deny { () => {} }
"""
JAVA = """
package shop.auth;
import shop.store.Session; import static shop.Util.*;
@Service public class Auth<T> extends Base implements Closable {
  int tries = 1;
  Auth() { super(); }
  Token login(Name name) { check(name); return new Token(); }
  enum Level { LOW }
}
record Pair(int a) {}
"""
C = """
#include "store/session.h"
#include <stdio.h>
#define LIMIT 3
struct session { int id; };
typedef struct { int b; } token_t;
enum level { LOW };
static char *login(struct session *s, token_t t) { check(s); s->close(); return 0; }
"""
CPP = """
#include "auth.h"
namespace shop::auth {
template <class K> class Auth : public Base { void login(); int tries() { return 1; } };
}
void shop::auth::Auth::login() { check(); store.put(); Util::log(); new Token(); }
using Name = Text;
"""
CSHARP = """
using Shop.Store; using Alias = Other.Thing;
namespace Shop.Auth {
  [Service] public class Auth<T> : Base, IClosable {
    public int Tries { get; set; }
    Auth() {}
    Token Login(Name name) { Check(); name.Trim2(); return new Token(); }
  }
  interface IClosable { void Close(); }
  enum Level { Low }
}
"""
RUBY = """
require 'store/session'
require_relative './tokens'
module Shop
  class Auth < Base
    include Closable
    LIMIT = 3
    def login(name) = check(name)
    def self.build
      helper
      Token.new
    end
  end
end
"""
PHP = """<?php
namespace Shop\\Auth;
use Shop\\Store; use Shop\\Models\\{User, Token as T};
require_once 'lib/setup.php';
abstract class Auth extends Base implements Closable {
  use Logs; const LIMIT = 1; private int $tries = 2;
  public static function login(Name $name): Token { check(); $this->issue(); Util::log(); return new Token(); }
}
interface Closable {} trait Logs {} enum Level: string { case Low = 'l'; }
function helper() {}
"""
BASH = """#!/usr/bin/env bash
source ./lib.sh
LIMIT=3
login() { check "$1"; }
function retry { login x; }
"""
CASES = {
    "app/auth/login.py": (
        PYTHON,
        {"class Backend", "field Backend.retries", "method Backend.login", "function Backend.login.check",
         "constant MOST_TRIES", "variable handler"},
        {"base Base", "call cached", "type Name", "type Token", "call verify", "call issue", "use tokens",
         "call Backend", "import User"},
        {"app/models", "app/models/account", "os/path", "app/auth/tokens"},
    ),
    "src/auth/login.ts": (
        TYPESCRIPT,
        {"function signIn", "class Auth", "field Auth.tries", "method Auth.retry", "method Auth.login",
         "interface Service", "method Service.login", "type Pair", "enum Level", "namespace Deep",
         "function Deep.inner", "variable raw"},
        {"base Base", "base Service", "base Closable", "type Name", "type Left", "call login", "call Client",
         "use session", "import load"},
        {"src/store/session", "src/auth/guard", "raw"},
    ),
    "src/App.jsx": (
        JAVASCRIPT,
        {"function App", "function save", "function run", "class Small", "method Small.size", "variable api",
         "method api.list", "method api.find"},
        {"call Page", "use save", "call put", "call save", "base Big", "call helper", "call query", "import Page"},
        {"src/Page"},
    ),
    "auth/service.go": (
        GO,
        {"struct Service", "field Service.Store", "interface Checker", "method Checker.Check", "method Service.Login",
         "function New", "constant Limit"},
        {"base Base", "type Token", "call verify", "call Fprint", "call Service", "use fmt"},
        {"fmt", "example.com/shop/internal/store"},
    ),
    "src/auth/mod.rs": (
        RUST,
        {"struct Auth", "field Auth.tries", "method Auth.login", "trait Service", "method Service.login",
         "constant Service.N", "enum Level", "macro deny"},
        {"base Service", "base Closable", "type Token", "call check", "call issue", "use tokens", "import Hot"},
        {"store", "store/Session", "store/cache/Hot", "src/tokens", "src/auth/parser"},
    ),
    "shop/auth/Auth.java": (
        JAVA,
        {"class Auth", "field Auth.tries", "method Auth.Auth", "method Auth.login", "enum Auth.Level",
         "constant Auth.Level.LOW", "class Pair"},
        {"call Service", "base Base", "base Closable", "type Name", "call check", "call Token", "import Session"},
        {"shop/store/Session", "shop/Util"},
    ),
    "auth/login.c": (
        C,
        {"macro LIMIT", "struct session", "type token_t", "enum level", "constant level.LOW", "function login"},
        {"type token_t", "call check", "call close"},
        {"auth/store/session", "store/session", "stdio"},
    ),
    "auth/login.cpp": (
        CPP,
        {"class shop.auth.Auth", "method shop.auth.Auth.tries", "method shop.auth.Auth.login", "type Name"},
        {"base Base", "call check", "call put", "call log", "call Token", "type Text"},
        {"auth/auth", "auth"},
    ),
    "Auth/Auth.cs": (
        CSHARP,
        {"namespace Shop.Auth", "class Shop.Auth.Auth", "field Shop.Auth.Auth.Tries", "method Shop.Auth.Auth.Login",
         "interface Shop.Auth.IClosable", "method Shop.Auth.IClosable.Close", "constant Shop.Auth.Level.Low"},
        {"call Service", "base Base", "base IClosable", "type Name", "call Check", "call Trim2", "call Token"},
        {"Shop/Store", "Other/Thing"},
    ),
    "lib/auth.rb": (
        RUBY,
        {"namespace Shop", "class Shop.Auth", "constant Shop.Auth.LIMIT", "method Shop.Auth.login",
         "method Shop.Auth.build"},
        {"base Base", "base Closable", "call check", "call helper", "type Token"},
        {"lib/store/session", "store/session", "lib/tokens"},
    ),
    "src/Auth.php": (
        PHP,
        {"class Auth", "constant Auth.LIMIT", "field Auth.tries", "method Auth.login", "interface Closable",
         "trait Logs", "enum Level", "constant Level.Low", "function helper"},
        {"base Base", "base Closable", "base Logs", "type Name", "type Token", "call check", "call issue", "call log",
         "call Token", "type Util", "import Store"},
        {"Shop/Store", "Shop/Models/User", "src/lib/setup", "lib/setup"},
    ),
    "bin/login": (
        BASH,
        {"constant LIMIT", "function login", "function retry"},
        {"call check", "call login"},
        {"bin/lib"},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def reader() -> Iterator[SymbolReader]:
    """One reader for all of these."""
    made = SymbolReader()
    yield made
    made.close()


def read(reader: SymbolReader, path: str, text: str | bytes) -> Reading:
    """Read what must be code."""
    reading = reader.read(path, text.encode() if isinstance(text, str) else text)
    assert reading is not None
    return reading


@pytest.mark.parametrize("path", CASES)
def test_a_language(reader: SymbolReader, path: str) -> None:
    text, definitions, references, targets = CASES[path]
    reading = read(reader, path, text)
    named = {f"{one.kind} {one.scope}{'.' if one.scope else ''}{one.name}" for one in reading.definitions}
    assert definitions <= named
    assert references <= {f"{one.kind} {one.name}" for one in reading.references}
    assert targets <= {one.target for one in reading.imports}
    assert reading.reason == ""


def test_every_language_has_a_case(reader: SymbolReader) -> None:
    read_ones = {read(reader, path, text).language for path, (text, *_) in CASES.items()}
    assert {grammar.name for grammar in GRAMMARS} - {"tsx"} == read_ones
    assert read(reader, "a.tsx", "const a = () => <Page/>;").definitions[0].name == "a"


def test_where_and_how_something_is_defined(reader: SymbolReader) -> None:
    login = next(one for one in read(reader, "a.py", PYTHON).definitions if one.name == "login")
    assert login.signature == "async def login(self, name: Name) -> Token"
    assert (login.first_line, login.last_line) == (10, 12)


def test_who_uses_a_name_inside_of_what(reader: SymbolReader) -> None:
    uses = [one for one in read(reader, "a.py", PYTHON).references if one.name == "verify"]
    assert [(one.kind, one.inside, one.lines) for one in uses] == [(ReferenceKind.CALL, "Backend.login.check", (11,))]


def test_local_names_are_no_references(reader: SymbolReader) -> None:
    reading = read(reader, "a.py", "def f(local):\n    return g(local)\n")
    assert [one.name for one in reading.references] == ["g"]


@pytest.mark.parametrize("path", CASES)
def test_a_broken_file_is_read_around_the_break(reader: SymbolReader, path: str) -> None:
    text, definitions, *_ = CASES[path]
    broken = f"{text}\n)))) {{{{ <<<<<<< HEAD\n((\n"
    found = {one.name for one in read(reader, path, broken).definitions}
    assert len(found) * 2 >= len(definitions)
    for end in range(30, len(text), 97):
        read(reader, path, text[:end])


@pytest.mark.parametrize("opening", ["(", "{", "a.b(", "<a>", "fn f() {"])
@pytest.mark.parametrize("path", ["a.py", "a.tsx", "a.cpp"])
def test_deep_nesting_ends(reader: SymbolReader, path: str, opening: str) -> None:
    assert read(reader, path, opening * 2_000).reason in ("", "too_complex", "too_slow", "generated")
    assert read(reader, "b.py", "def after(): pass").definitions[0].name == "after"


def test_what_is_too_much_says_so(reader: SymbolReader) -> None:
    assert read(reader, "a.js", "x" * 3_000_000).reason == "too_large"
    assert read(reader, "a.js", "var a=1;" * 100_000).reason == "generated"
    assert read(reader, "a.py", b"a = 1\x00").reason == "binary"
    many = read(reader, "a.py", "".join(f"def f{number}(): pass\n" for number in range(6_000)))
    assert (many.reason, len(many.definitions)) == ("too_many_symbols", 5_000)


def test_encodings(reader: SymbolReader) -> None:
    text = "def größe(): pass\n"
    for content in (text.encode(), text.encode("utf-8-sig"), text.encode("utf-16")):
        assert read(reader, "a.py", content).definitions[0].name == "größe"
    assert read(reader, "a.py", text.encode("latin-1") + b"def after(): pass\n").definitions[-1].name == "after"


def test_what_is_no_code(reader: SymbolReader) -> None:
    assert reader.read("README.md", b"def f(): pass") is None
    assert reader.read("LICENSE", b"text") is None
    assert grammar_of("tools/run", b"#!/usr/bin/env python3\n").name == "python"  # type: ignore[union-attr]
    assert grammar_of("a.h", b"class A {\n};\n").name == "cpp"  # type: ignore[union-attr]
    assert grammar_of("a.h", b"struct a;\n").name == "c"  # type: ignore[union-attr]


def test_a_parser_that_dies_takes_one_file_with_it() -> None:
    reader = SymbolReader()
    assert read(reader, "a.py", "def f(): pass").reason == ""
    assert reader._child is not None
    os.kill(reader._child.pid, signal.SIGKILL)
    assert read(reader, "a.py", "def f(): pass").reason == "too_complex"
    assert read(reader, "a.py", "def f(): pass").reason == ""
    reader.close()


def test_a_parser_that_hangs_is_ended() -> None:
    reader = SymbolReader(GrammarLimits(seconds=0.2))
    read(reader, "a.py", "")
    assert reader._child is not None
    os.kill(reader._child.pid, signal.SIGSTOP)
    assert read(reader, "a.py", "def f(): pass").reason == "too_slow"
    assert reader._child is None


def test_a_parser_has_nothing_to_reach(reader: SymbolReader) -> None:
    read(reader, "a.py", "")
    assert reader._child is not None
    about = Path(f"/proc/{reader._child.pid}")
    status = dict(line.split(":\t", 1) for line in (about / "status").read_text().splitlines() if ":\t" in line)
    if os.geteuid() == 0:
        assert status["Uid"].split()[1] == "65534"
    assert status["NoNewPrivs"] == "1"
    assert "Max open files            0                    0" in (about / "limits").read_text()
