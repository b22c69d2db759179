# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Which language a file is written in, by its name and, for scripts without a suffix, by its first line."""

import re

from rag.engine.symbols.grammar import Grammar
from rag.engine.symbols.grammars.bash import BASH
from rag.engine.symbols.grammars.c import C
from rag.engine.symbols.grammars.cpp import CPP
from rag.engine.symbols.grammars.csharp import CSHARP
from rag.engine.symbols.grammars.go import GO
from rag.engine.symbols.grammars.java import JAVA
from rag.engine.symbols.grammars.javascript import JAVASCRIPT
from rag.engine.symbols.grammars.php import PHP
from rag.engine.symbols.grammars.python import PYTHON
from rag.engine.symbols.grammars.ruby import RUBY
from rag.engine.symbols.grammars.rust import RUST
from rag.engine.symbols.grammars.typescript import TSX, TYPESCRIPT

GRAMMARS = (PYTHON, JAVASCRIPT, TYPESCRIPT, TSX, GO, RUST, JAVA, C, CPP, CSHARP, RUBY, PHP, BASH)

_BY_SUFFIX = {suffix: grammar for grammar in GRAMMARS for suffix in grammar.suffixes}
_BY_FILE = {name: grammar for grammar in GRAMMARS for name in grammar.files}
_SHEBANG = re.compile(rb"#![^\n]*?\b(python|node|ruby|php|bash|sh|ksh|zsh)[0-9.]*(?:\s|$)")
_BY_PROGRAM = {b"python": PYTHON, b"node": JAVASCRIPT, b"ruby": RUBY, b"php": PHP}
_HEAD_BYTES = 200
# Words that no C file has at the beginning of a line, and a C++ header soon has.
_CPP_HEADER = re.compile(rb"^\s*(?:class\s+\w|namespace\s|template\s*<|public:|private:|using\s)", re.MULTILINE)
_HEADER_BYTES = 20_000


def grammar_of(path: str, head: bytes = b"") -> Grammar | None:
    """Return the language of the file at ``path`` that begins with ``head``, or None for what is no code."""
    name = path.rpartition("/")[2]
    grammar = _BY_FILE.get(name) or _BY_SUFFIX.get(_suffix(name))
    if grammar is C and name.endswith(".h") and _CPP_HEADER.search(head[:_HEADER_BYTES]):
        return CPP
    if grammar is None and "." not in name:
        return _by_shebang(head)
    return grammar


def _suffix(name: str) -> str:
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


def _by_shebang(head: bytes) -> Grammar | None:
    found = _SHEBANG.match(head[:_HEAD_BYTES])
    return _BY_PROGRAM.get(found[1], BASH) if found else None
