# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The programs that read documents: each document has a process of its own, and what it does there harms nobody."""

import ast
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from rag.adapters.parsing import crew
from rag.adapters.parsing.reading import LIMITS, reading
from rag.errors import DocumentUnreadable, ReaderBroken, ReaderBusy
from tests.rag.documents import blocks_of, reason_of


@pytest.fixture(scope="module", autouse=True)
def _no_reader_is_left() -> Iterator[None]:
    yield
    crew.close_all()


_STRANGE = f"""
import os, resource, signal, sys
sys.path.insert(0, {os.getcwd()!r})
from rag.adapters.parsing import program, readers
def answer(question, source, target):
    exec(os.pread(source, 65536, 0))
    target.flush()
    return 0
readers.answer, readers.load_all = answer, lambda: None
program.main()
"""


@pytest.fixture(scope="class")
def strange_program() -> Iterator[None]:
    """Have programs started that do what documents say."""
    with pytest.MonkeyPatch.context() as patch:
        crew.close_all()
        patch.setattr(crew, "_command", lambda: [sys.executable, "-IB", "-c", _STRANGE])
        yield
        crew.close_all()


HEAD = """target.write(b'["head","%d","text/plain","",null]\\n' % {number})\n"""


@pytest.mark.usefixtures("strange_program")
class TestAReaderGoneWrong:
    """Documents that take the process over which reads them."""

    def test_nothing_that_one_did_is_there_for_the_next(self) -> None:
        titles = []
        for _ in range(3):
            code = "sys.seen = getattr(sys, 'seen', 0) + 1\n" + HEAD.format(number="sys.seen")
            with reading([code.encode()], path="a.txt") as parsed:
                titles.append(parsed.title)
        assert titles == ["1"] * 3
        (one,) = crew._idle
        with reading([HEAD.format(number="os.getppid()").encode()], path="a.txt") as parsed:
            assert parsed.title == str(one._child.pid), "and one program has made a process for each"

    @pytest.mark.parametrize(
        ("code", "reason"),
        [
            ("os.kill(os.getpid(), signal.SIGSEGV)", "too_complex"),
            ("os.close(1); signal.pause()", "too_complex"),
            ("target.write(b'[1, 2]\\n')", "too_complex"),
            ("target.write(b'x' * 9_000_000)", "too_complex"),
            ("resource.setrlimit(resource.RLIMIT_CPU, (1, 2))\nwhile True: pass", "too_slow"),
            ("signal.pause()", "too_slow"),
            ("raise MemoryError", "too_complex"),
            ("raise ValueError", "broken"),
        ],
    )
    def test_it_ends_alone(self, code: str, reason: str) -> None:
        limits = replace(LIMITS, seconds=0.3) if code == "signal.pause()" else LIMITS
        assert reason_of("a.txt", code.encode(), limits=limits) == reason

    def test_it_says_nothing_but_text(self) -> None:
        block = r'["block","a\\u0000\\ud800b","prose",[],null,null,null,null]\n["end","anything",""]\n'
        code = HEAD.format(number="1") + f"target.write(b'{block}')"
        with reading([code.encode()], path="a.txt") as parsed:
            blocks = iter(parsed.blocks)
            assert next(blocks).text == "a?b"
            with pytest.raises(DocumentUnreadable, match="damaged"):
                next(blocks)

    def test_it_is_given_no_secret_and_no_file(self) -> None:
        code = "said = repr((sorted(os.environ), os.getcwd(), sorted(map(int, os.listdir('/proc/self/fd')))[3:]))\n"
        code += "import json; target.write(json.dumps(['head', said, '', '', None]).encode() + b'\\n')"
        with reading([code.encode()], path="a.txt") as parsed:
            environment, folder, files = ast.literal_eval(parsed.title)
        assert (environment, folder) == (["LC_CTYPE", "OPENPYXL_LXML"], "/")
        assert len(files) <= 1, "the document alone is open"


def test_what_is_not_asked_for_is_not_read() -> None:
    with reading([b"words and words\n\n" * 200_000], path="a.txt") as parsed:
        assert next(iter(parsed.blocks)).place.lines == (1, 1)
    assert blocks_of("b.txt", b"next") != []


def test_a_program_that_has_ended_is_started_again() -> None:
    assert blocks_of("a.txt", b"one") != []
    (reader,) = crew._idle
    os.kill(reader._child.pid, signal.SIGKILL)
    reader._child.wait()
    assert blocks_of("a.txt", b"two") != []


def test_a_program_that_does_not_start_is_our_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    crew.close_all()
    monkeypatch.setattr(crew, "_command", lambda: ["/bin/false"])
    with pytest.raises(ReaderBroken, match="did not start"):
        blocks_of("a.txt", b"a")


def test_only_a_few_are_read_at_once() -> None:
    limits = replace(LIMITS, turn_seconds=0.01)
    with crew.turn(seconds=1), crew.turn(seconds=1), pytest.raises(ReaderBusy, match="Try again"):
        blocks_of("a.txt", b"a", limits=limits)
