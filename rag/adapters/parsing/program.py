# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The program that reads documents: it has everything loaded, and makes a process of its own for each.

What it is asked comes over the socket on stdin: a document's file and where to write, as descriptors, and a line of
JSON. The process it makes gives away all it can (memory, time, files, sockets, children, root) before it looks at a
byte, and ends with the document: nothing that one does to it is there when the next is read. The program itself looks
at none. It is isolated Python without Django; it ends when nobody holds the other end, or has asked for a while.
"""

import gc
import json
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

READY, END = b"r", b"e"
FAILED, OUT_OF_MEMORY = 1, 14
_IDLE_SECONDS = 300.0
_LONGEST_QUESTION = 16_384


def main() -> None:
    """Serve the socket on stdin."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    # Looked for by a library, loaded by nobody: it starts threads, and forks.
    sys.modules["numpy"] = None  # type: ignore[assignment]
    # Sheets are read by the XML of the standard library, which expands nothing here.
    os.environ["OPENPYXL_LXML"] = "False"
    from rag.adapters.parsing import readers

    readers.load_all()
    gc.freeze()
    with socket.socket(fileno=os.dup(0)) as control:
        control.settimeout(_IDLE_SECONDS)
        with suppress(OSError):
            control.sendall(READY)
            _serve(control, readers)


def _serve(control: socket.socket, readers: Any) -> None:
    while True:
        question, files, _, _ = socket.recv_fds(control, _LONGEST_QUESTION, 2)
        if not question or len(files) != 2:
            return
        child = os.fork()
        if not child:
            _read(json.loads(question), *files, control=control, readers=readers)
        for file in files:
            os.close(file)
        is_held = _await_end(control)
        with suppress(ProcessLookupError):
            # Not waited for yet, so the number is still its own. One that has ended keeps how it ended.
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not is_held:
            return
        control.sendall(json.dumps(os.waitstatus_to_exitcode(status)).encode() + b"\n")


def _await_end(control: socket.socket) -> bool:
    # However long: whoever asked counts the time, and is gone when nothing more can come.
    control.settimeout(None)
    try:
        return control.recv(1) == END
    finally:
        control.settimeout(_IDLE_SECONDS)


def _read(question: dict[str, Any], source: int, target: int, *, control: socket.socket, readers: Any) -> None:
    code = FAILED
    gc.disable()
    try:
        control.close()
        os.dup2(target, 1)
        for file in (0, 2, target):
            os.close(file)
        code = readers.answer(question, source, sys.stdout.buffer)
    except MemoryError:
        code = OUT_OF_MEMORY
    except BrokenPipeError:
        code = 0
    finally:
        # Without Python's own tidying up, which is for the program that this is a copy of.
        os._exit(code)


if __name__ == "__main__":
    main()
