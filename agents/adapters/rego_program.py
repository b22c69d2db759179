# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The program that evaluates one text in Rego: JSON in, JSON out, line by line (agents/adapters/rego.py starts it).

The first line is the text, which it compiles; every other is an input, for which it answers what the text decides. The
library is native code and is fed by strangers, so the program gives away all it can before it reads a byte: files,
sockets, children, root. What takes too much of the processor's time over one line is ended. Its memory is watched from
outside: the library reserves far more addresses than it uses, so that no limit on those would hold it.
The process is isolated Python without the app: this file imports the standard library and regopy alone.
"""

import ctypes
import json
import os
import re
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

NOT_AT_HAND = 10
"""How the program ends where the library cannot be loaded."""
NOBODY = 65534
COMPILING_SECONDS = 0.5
_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38
_MOST_ERRORS = 20
_ERROR = re.compile(r"\(error [^|]*\|(?P<at>\d+)\|\d+\n\s*\(errormsg \d+:(?P<message>[^\n]*?)\)\n")
_RUNNING = re.compile(r"\(errormsg \d+:(?P<message>[^\n]*?)\)\n")

Evaluate = Callable[[str], dict[str, Any]]


def main(words: Sequence[str]) -> int:
    """Answer line by line; the word says how many seconds of the processor an input may take."""
    seconds = float(words[0])
    # The library writes what it makes of a text to what stands at 1, where answers would be.
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    _bind()
    try:
        import regopy  # noqa: F401 - loaded while files can still be opened
        from regopy import rego_shared  # noqa: F401
    except (ImportError, OSError):
        return NOT_AT_HAND
    _shut_in()
    evaluate: Evaluate | None = None
    for line in sys.stdin:
        _allow(COMPILING_SECONDS if evaluate is None else seconds)
        if evaluate is None:
            said, evaluate = _compile(json.loads(line))
        else:
            said = evaluate(line)
        _allow(0)
        answers.write(json.dumps(said) + "\n")
        answers.flush()
    return 0


def _bind() -> None:
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        # Where memory runs out all the same, this is what is ended.
        file.write("1000")
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)


def _shut_in() -> None:
    """Take away what only starting needed. What is open stays usable; nothing else can be opened any more."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    # No new descriptor is no file, no socket and no library; no process is no shell.
    _limit(resource.RLIMIT_NOFILE, 0)
    _limit(resource.RLIMIT_NPROC, 0)
    # Linux alone; elsewhere the limits are what there is.
    with suppress(AttributeError):
        change = ctypes.pythonapi.prctl
        change(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        change(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _limit(kind: int, most: int) -> None:
    # Where the installation allows still less, that stays.
    _, hard = resource.getrlimit(kind)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, most))


def _allow(seconds: float) -> None:
    # Of the processor, so that nobody is ended for what others keep it busy with. What ends it cannot be caught here.
    signal.setitimer(signal.ITIMER_PROF, seconds)


def _compile(source: str) -> tuple[dict[str, Any], Evaluate | None]:
    import regopy

    interpreter = regopy.Interpreter()
    try:
        interpreter.add_module("policy.rego", source)
        bundle = interpreter.build("decision=data.codexos.decision", [])
    except regopy.RegoError as error:
        return {"errors": _errors(str(error), source)}, None
    return {"compiled": True}, lambda line: _evaluate(interpreter, bundle, line)


def _errors(told: str, source: str) -> list[dict[str, Any]]:
    raw = source.encode("utf-8", "replace")
    found = [
        {"message": match["message"], "at": len(raw[: int(match["at"])].decode("utf-8", "ignore"))}
        for match in _ERROR.finditer(told)
    ]
    return found[:_MOST_ERRORS] or [{"message": "it cannot be compiled", "at": None}]


def _evaluate(interpreter: Any, bundle: Any, line: str) -> dict[str, Any]:
    from regopy import RegoError
    from regopy.rego_shared import rego_bundle_query, rego_free_output, rego_output_ok, rego_output_string

    output = None
    try:
        interpreter.set_input(json.loads(line))
        output = rego_bundle_query(interpreter._impl, bundle._impl)
        told = rego_output_string(output)
        is_well = rego_output_ok(output)
    except RegoError:
        return {"error": "it could not be evaluated"}
    finally:
        if output is not None:
            rego_free_output(output)
    if told == "undefined":
        return {"decision": None}
    if not is_well or not told.startswith("{"):
        said = _RUNNING.search(told)
        return {"error": said["message"] if said else "it came to an error, or to two decisions at once"}
    return {"decision": json.loads(told)["bindings"]["decision"]}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
