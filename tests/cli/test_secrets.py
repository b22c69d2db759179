# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Secrets by command line: values come and go by pipes, and never as words."""

import os
import pty
import subprocess
from collections.abc import Callable

from tests.cli.conftest import Served
from tests.cli.shell import PROGRAM, Shell
from tests.factories import Someone

Opened = Callable[[Someone], Shell]
VALUE = "canary-61c4-value"


def test_a_secret_from_its_first_value_to_its_last(served: Served, shell_of: Opened) -> None:
    shell = shell_of(served.world.dev)
    made = shell.type("secrets", "put", "github", "--tag", "prod", "--tag", "ci", stdin=f"{VALUE}\n")
    assert (made.code, made.out) == (0, "Put 'github', version 1.\n")
    assert shell.type("secrets", "get", "github").out == VALUE
    assert shell.type("secrets", "list", "--tag", "ci").out.split("\t")[:5] == [
        "github",
        "project",
        "generic",
        "1",
        "ci prod",
    ]
    rotated = shell.type("secrets", "rotate", "github", "--grace", "600", stdin="second")
    assert rotated.out == "'github' has version 2 now.\n"
    assert shell.type("secrets", "get", "github", "--version", "1").out == VALUE
    assert shell.type("secrets", "rollback", "github", "1").out == "'github' has version 3 now.\n"
    listed = shell.type("secrets", "versions", "github").out.splitlines()
    assert [line.split("\t")[:2] for line in listed] == [["3", "rolled_back"], ["2", "rotated"], ["1", "put"]]
    gone = shell.type("secrets", "destroy", "github", "--json").json
    assert shell.type("secrets", "get", "github").code == 5
    assert shell.type("secrets", "list", "--destroyed").out.startswith("github\t")
    assert shell.type("secrets", "restore", gone["id"]).out == "Restored 'github', version 3.\n"
    assert shell.type("secrets", "get", "github", "--json").json["value"] == VALUE


def test_bytes_stay_what_they_are(served: Served, shell_of: Opened) -> None:
    shell = shell_of(served.world.dev)
    raw = bytes(range(256)) + b"\r\n"
    file = shell.write("key.der", raw)
    assert shell.type("secrets", "put", "binary", "--file", file).code == 0
    done = subprocess.run(
        [PROGRAM, "secrets", "get", "binary"], env=shell.environment(), capture_output=True, check=True, timeout=60
    )
    assert done.stdout == raw
    assert shell.type("secrets", "put", "text", "--file", shell.write("text", " as it is \n")).code == 0
    assert shell.type("secrets", "get", "text").out == " as it is \n"


def test_a_value_is_asked_for_without_showing_it(served: Served, shell_of: Opened) -> None:
    shell = shell_of(served.world.dev)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [PROGRAM, "secrets", "put", "typed"],
        env=shell.environment(),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as command:
        os.close(theirs)
        shown = _read_until(ours, b"Value (not shown): ")
        os.write(ours, f"{VALUE}\n".encode())
        shown += _read_until(ours, b"version 1.")
        assert command.wait(60) == 0
    assert VALUE.encode() not in shown
    assert shell.type("secrets", "get", "typed").out == VALUE


def test_a_value_cannot_be_written_as_a_word(served: Served, shell_of: Opened) -> None:
    shell = shell_of(served.world.dev)
    assert shell.type("secrets", "put", "github", VALUE).code == 2
    assert shell.type("secrets", "put", "github", "--value", VALUE).code == 2
    assert shell.type("secrets", "put", "empty").code == 7
    said = shell.type("secrets", "put", "large", stdin="x" * 65 * 1024)
    assert (said.code, "at most 65,536 bytes" in said.err) == (8, True)


def test_a_key_with_a_slash_is_one_that_is_not_there(served: Served, shell_of: Opened) -> None:
    shell = shell_of(served.world.dev)
    for words in (["get", "a/b"], ["get", "../me"], ["versions", "a/b"], ["destroy", "a/b"], ["restore", "a/b"]):
        said = shell.type("secrets", *words)
        assert (said.code, said.out) == (5, "")
        assert "A key holds no slash" in said.err


def test_sharing_and_what_others_may_not(served: Served, shell_of: Opened) -> None:
    dev = shell_of(served.world.dev)
    dev.type("secrets", "put", "mine", "--scope", "personal", stdin=VALUE)
    lead = served.world.lead
    assert Shell(dev.folder, {**dev.variables, "CODEXOS_TOKEN": lead.token}).type("secrets", "get", "mine").code == 5
    shared = dev.type("secrets", "share", "mine", "--member", "lead@acme.example")
    assert shared.out.startswith("Shared with Lead.")
    leads = Shell(dev.folder, {**dev.variables, "CODEXOS_TOKEN": lead.token})
    assert leads.type("secrets", "get", "mine").out == VALUE
    assert leads.type("secrets", "destroy", "mine").code == 4
    (row,) = dev.type("secrets", "shares", "mine", "--json").json
    assert dev.type("secrets", "unshare", "mine", row["id"]).code == 0
    assert leads.type("secrets", "get", "mine").code == 5
    viewer = Shell(dev.folder, {**dev.variables, "CODEXOS_TOKEN": served.world.viewer.token})
    assert viewer.type("secrets", "list").code == 4
    assert dev.type("secrets", "share", "mine").code == 2
    assert dev.type("secrets", "share", "mine", "--member", "nobody@acme.example").code == 2


def _read_until(terminal: int, wanted: bytes) -> bytes:
    shown = b""
    while wanted not in shown:
        shown += os.read(terminal, 4096)
    return shown
