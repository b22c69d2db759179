# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The program that parses code: frames on stdin, what a language's query catches in each on stdout.

Parsers are native code and are fed by strangers, so they live in a process of their own (rag/adapters/grammars.py
starts it), which gives away all it can before it looks at a byte. It serves many files, for starting costs more than
most of them. The process is isolated Python without the app: this file imports the standard library and tree-sitter.

First comes a frame of JSON, {"names": [capture names], "queries": {language: query}}. Then, for each file, a frame of
the language's name, a line feed and the source. The answer is a frame of a status (one byte) and, for DONE, numbers:
for each match how many captures it has, and for each capture its name's number, start, end, first line, last line and
where its body begins.
"""

import ctypes
import importlib
import json
import os
import resource
import signal
import struct
import sys
from array import array
from collections.abc import Sequence
from contextlib import suppress

DONE, CUT, UNKNOWN = range(3)
"""All was caught; there was more than fits; the language is not known."""
LENGTH = struct.Struct("<I")
NOBODY = 65534
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_PARSERS = {
    "python": ("tree_sitter_python", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "go": ("tree_sitter_go", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "java": ("tree_sitter_java", "language"),
    "c": ("tree_sitter_c", "language"),
    "cpp": ("tree_sitter_cpp", "language"),
    "csharp": ("tree_sitter_c_sharp", "language"),
    "ruby": ("tree_sitter_ruby", "language"),
    "php": ("tree_sitter_php", "language_php"),
    "bash": ("tree_sitter_bash", "language"),
}


def main(words: Sequence[str]) -> None:
    """Answer frames until stdin ends; the words say how much: bytes of memory, matches of a file."""
    memory_bytes, most_matches = map(int, words)
    _limit(resource.RLIMIT_AS, memory_bytes)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    import tree_sitter

    setup = json.loads(_take() or b"{}")
    numbers = {name: number for number, name in enumerate(setup["names"])}
    readers = {}
    for name, query in setup["queries"].items():
        module, function = _PARSERS[name]
        language = tree_sitter.Language(getattr(importlib.import_module(module), function)())
        # A query is compiled when its language is first asked for: C# alone takes a third of a second.
        readers[name] = [tree_sitter.Parser(language), language, query]
    _shut_in()
    _give(bytes([DONE]))
    while (frame := _take()) is not None:
        name, _, source = frame.partition(b"\n")
        reader = readers.get(name.decode())
        if reader is None:
            _give(bytes([UNKNOWN]))
            continue
        if isinstance(reader[2], str):
            reader[2] = tree_sitter.Query(reader[1], reader[2])
        cursor = tree_sitter.QueryCursor(reader[2], match_limit=most_matches)
        tree = reader[0].parse(source)
        _give(_caught(cursor.matches(tree.root_node), numbers, most=most_matches))
        del tree, cursor, source, frame


def _caught(matches, numbers, *, most: int) -> bytes:  # type: ignore[no-untyped-def]
    status = DONE if len(matches) <= most else CUT
    out = array("I")
    for _, captures in matches[:most]:
        kept = [(numbers[name], node) for name, nodes in captures.items() if name in numbers for node in nodes]
        out.append(len(kept))
        for number, node in kept:
            start, end = node.byte_range
            body = node.child_by_field_name("body")
            out.extend(
                (number, start, end, node.start_point[0] + 1, node.end_point[0] + 1, body.start_byte if body else end)
            )
    return bytes([status]) + out.tobytes()


def _take() -> bytes | None:
    head = sys.stdin.buffer.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (size,) = LENGTH.unpack(head)
    frame = sys.stdin.buffer.read(size)
    return frame if len(frame) == size else None


def _give(frame: bytes) -> None:
    sys.stdout.buffer.write(LENGTH.pack(len(frame)))
    sys.stdout.buffer.write(frame)
    sys.stdout.buffer.flush()


def _shut_in() -> None:
    """Take away what only starting needed. What is open stays usable; nothing else can be opened any more."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    _limit(resource.RLIMIT_NOFILE, 0)
    _limit(resource.RLIMIT_NPROC, 0)
    # Linux alone; elsewhere the limits are what there is. Last, for changing who one is undoes the second.
    with suppress(AttributeError):
        change = ctypes.pythonapi.prctl
        change(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        change(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        change(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _limit(kind: int, most: int) -> None:
    # Where the installation allows still less, that stays.
    _, hard = resource.getrlimit(kind)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    with suppress(BrokenPipeError, KeyboardInterrupt):
        main(sys.argv[1:])
    os._exit(0)
