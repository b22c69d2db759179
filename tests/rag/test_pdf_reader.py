# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""PDFs from strangers: what is read from them, and what they cannot do to us."""

import fcntl
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rag.adapters import pdf_reader, pdf_text
from rag.adapters.pdf_reader import PDF_LIMITS, PdfLimits, read_pages
from rag.engine.pages import clean_pages, unfold
from rag.errors import PdfReaderBroken, PdfReaderBusy, PdfUnreadable
from tests.pdfs import encrypted_pdf, make_pdf

Program = Callable[[str], None]


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Program:
    """Let another program stand where the reader stands."""

    def stand_in(code: str) -> None:
        monkeypatch.setattr(pdf_reader, "_command", lambda limits: [sys.executable, "-IB", "-c", code])

    return stand_in


def read(content: bytes, *, limits: PdfLimits = PDF_LIMITS) -> str:
    return read_pages([content], path="docs/a.pdf", limits=limits)


def reason_of(content: bytes, *, limits: PdfLimits = PDF_LIMITS) -> str:
    with pytest.raises(PdfUnreadable, match=r"The PDF 'docs/a\.pdf' cannot be read: .+\. [A-Z].+\.") as failure:
        read(content, limits=limits)
    return str(failure.value.details["reason"])


def test_every_page_is_read_in_order() -> None:
    pages = read(make_pdf(["Grüße – für € 5", "(and more)"], [], ["The end."]))
    assert pages.split("\f") == ["Grüße – für € 5\n(and more)", "", "The end."]


def test_pages_are_unfolded_with_the_line_each_begins_at() -> None:
    text, starts = unfold(clean_pages("one\r\ntwo\f\fexam\x02\r\nple\x00\u2028four\n"))
    assert text.split("\n") == ["one", "two", "", "", "", "example", "four"]
    assert starts == (1, 4, 6)
    assert text.splitlines() == text.split("\n"), "every reader counts the same lines"


@pytest.mark.parametrize("size", [0, 20, 400])
def test_a_broken_pdf_is_told(size: int) -> None:
    assert reason_of(make_pdf(["Cut short."])[:size]) == "broken"


def test_a_protected_pdf_is_told() -> None:
    assert reason_of(encrypted_pdf()) == "encrypted"


def test_a_pdf_without_text_is_told_to_be_a_scan() -> None:
    with pytest.raises(PdfUnreadable, match="scan"):
        read(make_pdf([], b"0 0 100 100 re f"))


def test_too_many_pages_are_told() -> None:
    assert reason_of(make_pdf(["a"], ["b"], ["c"]), limits=replace(PDF_LIMITS, pages=2)) == "too_many_pages"
    assert read(make_pdf(["a"], ["b"]), limits=replace(PDF_LIMITS, pages=2)) == "a\fb"


def test_a_pdf_that_lies_about_its_pages_is_told_or_read() -> None:
    assert reason_of(make_pdf(*[["x"]] * 5, count=3_000)) in {"too_many_pages", "broken"}


def test_too_much_text_is_told() -> None:
    limits = replace(PDF_LIMITS, text_bytes=1000)
    assert reason_of(make_pdf(*[["x" * 90] * 8] * 2), limits=limits) == "too_much_text"
    assert len(read(make_pdf(["x" * 90] * 8), limits=limits)) == 8 * 91 - 1


def test_a_pdf_larger_than_is_read_is_told_before_a_reader_starts(program: Program) -> None:
    program("raise SystemExit(99)")
    assert reason_of(make_pdf(["a"]), limits=replace(PDF_LIMITS, file_bytes=100)) == "too_large"


def test_a_bomb_takes_no_more_memory_than_it_may() -> None:
    bomb = make_pdf(b"BT /F1 12 Tf 72 720 Td (a) Tj" + b" " * 150_000_000 + b"ET", is_packed=True)
    assert len(bomb) < 1_000_000
    limits = replace(PDF_LIMITS, memory_bytes=192 * 1024 * 1024)
    assert reason_of(bomb, limits=limits) == "too_complex"
    # With more memory the very same is read, so it was the limit that held.
    assert read(bomb, limits=replace(PDF_LIMITS, memory_bytes=1024**3)) == "a"


def test_a_reader_that_computes_for_ever_is_ended(program: Program) -> None:
    program("import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 2))\nwhile True: pass")
    assert reason_of(b"%PDF-1.7") == "too_slow"


def test_a_reader_that_hangs_is_ended(program: Program) -> None:
    program("import time; time.sleep(60)")
    assert reason_of(b"%PDF-1.7", limits=replace(PDF_LIMITS, seconds=0.5)) == "too_slow"


def test_a_reader_is_ended_with_its_children(program: Program, tmp_path: Path) -> None:
    held = tmp_path / "held"
    program(
        "import fcntl, os, subprocess, sys\n"
        f"file = open({str(held)!r}, 'w')\n"
        "fcntl.flock(file, fcntl.LOCK_EX)\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], pass_fds=[file.fileno()])\n"
        "while True: os.write(1, b'x' * 65536)"
    )
    reason_of(b"%PDF-1.7", limits=replace(PDF_LIMITS, text_bytes=100_000))
    with held.open() as file:
        # Given once nobody has the file open any more, the child included.
        fcntl.flock(file, fcntl.LOCK_EX)


def test_a_reader_that_closes_its_mouth_and_stays_is_ended(program: Program) -> None:
    program("import os, time; os.close(1); time.sleep(600)")
    assert reason_of(b"%PDF-1.7", limits=replace(PDF_LIMITS, seconds=0.5)) == "too_slow"


def test_a_reader_that_never_stops_talking_is_ended(program: Program) -> None:
    program("import os\nwhile True: os.write(1, b'x' * 65536)")
    assert reason_of(b"%PDF-1.7", limits=replace(PDF_LIMITS, text_bytes=100_000)) == "too_much_text"


def test_a_reader_that_crashes_is_told(program: Program) -> None:
    program("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert reason_of(b"%PDF-1.7") == "too_complex"


def test_a_reader_that_does_not_work_is_our_mistake(program: Program) -> None:
    program("import no_such_module")
    with pytest.raises(PdfReaderBroken):
        read(b"%PDF-1.7")


def test_what_a_captured_reader_says_is_text_all_the_same(program: Program) -> None:
    program(r"import os; os.write(1, b'a\x00\xff\x1b[31mb')")
    assert read(b"%PDF-1.7") == "a\ufffd[31mb"


def test_the_reader_is_given_no_secret(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEXOS_MASTER_KEY", "planted")
    assert "DATABASE_URL" in os.environ, "there is something to keep from it"
    open_here = os.open("/etc/hostname", os.O_RDONLY)
    os.set_inheritable(open_here, True)
    program(
        "import json, os; files = sorted(map(int, os.listdir('/proc/self/fd')))\n"
        "print(json.dumps([sorted(os.environ), files, os.getcwd()]))"
    )
    environment, files, folder = json.loads(read(b"%PDF-1.7"))
    os.close(open_here)
    # The last file is that of looking.
    assert (environment, files[:3], len(files), folder) == (["LC_CTYPE"], [0, 1, 2], 4, "/")


@pytest.mark.parametrize("is_bound", [False, True])
def test_a_shut_in_reader_can_open_start_and_write_nothing(is_bound: bool, tmp_path: Path) -> None:
    """What native code gone wrong could do after the limits stand; without them it all works."""
    with (tmp_path / "file").open("wb") as file:
        done = subprocess.run(
            [sys.executable, "-IB", "-c", _ATTEMPTS, str(Path(pdf_text.__file__).parent), str(int(is_bound))],
            stdin=file,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    attempts = dict(line.split("=") for line in done.stdout.split())
    names = ["open", "socket", "fork", "memory", "write"]
    if is_bound:
        assert attempts["root"] == "False"
        assert [name for name in names if attempts[name] == "may"] == []
    else:
        assert [attempts[name] for name in names] == ["may"] * 5


_ATTEMPTS = """
import os, signal, socket, sys
sys.path.insert(0, sys.argv[1])
import pdf_text
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
if sys.argv[2] == "1":
    pdf_text.bind(memory_bytes=300 * 1024 * 1024, seconds=20)
    pdf_text.shut_in()

def fork():
    if not os.fork():
        os._exit(0)

def attempt(name, act):
    try:
        act()
        said = "may"
    except (OSError, MemoryError) as error:
        said = type(error).__name__
    print(f"{name}={said}", flush=True)

attempt("open", lambda: open("/etc/hostname"))
attempt("socket", socket.socket)
attempt("fork", fork)
attempt("memory", lambda: bytearray(400 * 1024 * 1024))
attempt("write", lambda: os.write(0, b"x"))
print(f"root={os.geteuid() == 0}")
"""


def test_only_a_few_are_read_at_once(program: Program) -> None:
    limits = replace(PDF_LIMITS, turn_seconds=0.01)
    program("print('read')")
    for _ in range(pdf_reader._MOST_AT_ONCE):
        pdf_reader._turns.acquire()
    try:
        with pytest.raises(PdfReaderBusy, match="try again"):
            read(b"%PDF-1.7", limits=limits)
    finally:
        pdf_reader._turns.release(pdf_reader._MOST_AT_ONCE)
    assert read(b"%PDF-1.7", limits=limits) == "read\n"


def test_pdfium_is_never_loaded_here() -> None:
    read(make_pdf(["a"]))
    assert not [name for name in sys.modules if name.startswith("pypdfium2")]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] != 0
