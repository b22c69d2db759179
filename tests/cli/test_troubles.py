# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Whatever is wrong outside or was typed wrongly is one clear sentence and its exit code; no token is ever shown."""

import json
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agents.engine.documents import read_document
from cli.documents import read_flow
from cli.faults import Fault
from cli.profiles import checked_url
from tests.cli.shell import Said, Shell
from tests.fakes.run_server import TOKEN, serve_run
from tests.kernel.local_server import LocalServer


@contextmanager
def answering(what: bytes) -> Iterator[str]:
    """Serve the same bytes to whoever comes, whatever they say; the address is ``host:port``."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    caller, _ = server.accept()
                except OSError:
                    return
                with caller:
                    caller.recv(65536)
                    caller.sendall(what)

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"


def whoami(shell: Shell, url: str, **more: str) -> Said:
    said = shell.type("whoami", CODEXOS_URL=url, CODEXOS_TOKEN=TOKEN, **more)
    assert TOKEN not in said.out + said.err
    assert len(said.err.splitlines()) == 1, said.err
    return said


def test_no_server(shell: Shell) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        said = whoami(shell, f"http://127.0.0.1:{probe.getsockname()[1]}")
    assert said.code == 9
    assert "nothing listens there" in said.err


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<h1>", "text/html"),
        (b"HTTP/1.1 502 Bad\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<h1>", "answered 502"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{", "not the JSON"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{", "hung up"),
        (b"HTTP/1.1 301 Moved\r\nLocation: https://x.example/\r\nContent-Length: 0\r\n\r\n", "https://x.example/"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not speak HTTP"),
        (b"", "hung up"),
    ],
)
def test_something_else_answers(shell: Shell, answer: bytes, said: str) -> None:
    with answering(answer) as place:
        told = whoami(shell, f"http://{place}")
    assert told.code == 9
    assert said in told.err


def test_tls_that_fails(shell: Shell, tmp_path: Path) -> None:
    with answering(b"HTTP/1.1 400 Bad\r\n\r\n") as place:
        said = whoami(shell, f"https://{place}")
    assert (said.code, "http or https" in said.err) == (9, True)


def test_a_certificate_that_nobody_vouches_for_or_is_for_another_name(
    shell: Shell, secure_server: LocalServer, certificate: Path
) -> None:
    url = secure_server.url(host="127.0.0.1", scheme="https")
    strange, misnamed = whoami(shell, url), whoami(shell, url, SSL_CERT_FILE=str(certificate))
    assert (strange.code, misnamed.code) == (9, 9)
    assert "not trusted" in strange.err
    assert "not trusted" in misnamed.err
    assert secure_server.asked == [], "no token went to a server that is not known"


def test_a_proxy_that_is_not_there_is_named_without_its_password(shell: Shell) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        proxy = f"127.0.0.1:{probe.getsockname()[1]}"
        said = whoami(shell, "http://codexos.example", http_proxy=f"http://me:hidden@{proxy}", no_proxy="")
    assert said.code == 9
    assert f"through the proxy {proxy}" in said.err
    assert "hidden" not in said.err


def test_a_proxy_is_not_asked_for_this_machine(shell: Shell) -> None:
    with serve_run() as server:
        assert whoami_works(shell, server.url)


def whoami_works(shell: Shell, url: str) -> bool:
    return shell.type("whoami", CODEXOS_URL=url, CODEXOS_TOKEN=TOKEN, http_proxy="http://127.0.0.1:9").code == 0


@pytest.mark.parametrize(
    "url",
    ["localhost:8000", "ftp://x.example", "http://", "https://me:pw@x.example", "http://x:99999", "http://x/?a=b"],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(Fault) as caught:
        checked_url(url)
    assert caught.value.exit_code == 2
    assert "pw" not in caught.value.message


def test_a_kept_token_goes_to_its_own_server_only(shell: Shell) -> None:
    with serve_run() as mine, serve_run() as other:
        assert shell.type("login", "--url", mine.url, "--token", TOKEN).code == 0
        said = shell.type("whoami", CODEXOS_URL=other.url)
        assert said.code == 3
        assert other.asked == []


@pytest.mark.parametrize("token", ["a b", "a\nb", "", "naïve"])
def test_what_is_no_token_is_not_repeated(shell: Shell, token: str) -> None:
    said = shell.type("whoami", CODEXOS_URL="http://127.0.0.1:9", CODEXOS_TOKEN=token)
    assert said.code in {2, 3}
    assert token == "" or token not in said.err


def test_a_file_of_sign_ins_that_is_broken_or_open(shell: Shell) -> None:
    with serve_run() as server:
        shell.type("login", "--url", server.url, "--token", TOKEN)
        kept = shell.folder / "config" / "codexos" / "profiles.json"
        kept.chmod(0o644)
        assert "chmod 600" in shell.type("whoami").err
        shell.type("login", "--url", server.url, "--token", TOKEN)
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        kept.write_text("[")
        said = shell.type("whoami")
    assert said.code == 2
    assert str(kept) in said.err


@pytest.mark.parametrize(
    ("name", "content", "said", "code"),
    [
        ("f.json", b'{"a": 1,\n  oops}', "f.json:2:3: ", 7),
        ("f.json", b"[1]", "a flow is an object", 7),
        ("f.json", b'{"a": NaN}', "NaN", 7),
        ("f.json", b"[" * 100_000, "nested too deeply", 7),
        ("f.json", b"\x89PNG\r\n\x00\xff", "not text", 2),
        ("f.json", b'{"a": "\x00"}', "NUL", 2),
        ("f.json", None, "no such file", 2),
        ("f.yaml", b"a: 1\nb: [1, 2\n", "f.yaml:3:1: ", 7),
        ("f.yaml", b"a: &x 1\nb: *x\n", "f.yaml:2:4: this is not YAML: aliases", 7),
        ("f.yaml", b"a: 1\na: 2\n", "'a' stands twice", 7),
        ("f.yaml", b"a: !!python/object:os.system x\n", "not YAML", 7),
        ("f.yaml", b"{" * 5_000, "nested too deeply", 7),
        ("f.yaml", b"a: 1\n---\nb: 2\n", "not YAML", 7),
    ],
)
def test_a_flow_that_cannot_be_read(tmp_path: Path, name: str, content: bytes | None, said: str, code: int) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Fault) as caught:
        read_flow(str(path))
    assert said in caught.value.message
    assert caught.value.exit_code == code


def test_yaml_is_read_as_json_is(tmp_path: Path) -> None:
    path = tmp_path / "f.yml"
    values = "2026-01-05 no on yes true 0.5 1e3 -7 012 0x1f 1_000 1:30 .inf ~ null '1' y"
    text = "nodes: []\nnothing:\n" + "".join(f"v{number}: {value}\n" for number, value in enumerate(values.split()))
    path.write_text(text)
    assert read_flow(str(path)).document == read_document(text), "the server reads it in the same way"


def test_a_folder_is_no_flow_and_no_context(shell: Shell) -> None:
    (shell.folder / "docs").mkdir()
    with serve_run() as server:
        shell.variables |= {"CODEXOS_URL": server.url, "CODEXOS_TOKEN": TOKEN}
        assert "it is a folder" in shell.type("run", "./docs").err
        assert shell.type("run", "slug", "--context", "docs").code == 2
        assert shell.type("run", "slug", "--context", "./missing.md").code == 2
        assert shell.type("run", "slug", "--input", "@missing.txt").code == 2
        assert shell.type("run", "slug", "--input", "a", "--object", "{}").code == 2
        assert shell.type("run", "slug", "--object", "[]").code == 7
    assert server.asked == []


def test_words_typed_wrongly(shell: Shell) -> None:
    for words in (["nosuch"], ["run"], ["runs", "--limit", "many"], ["runs", "--mine", "--failed"], ["help", "me"]):
        assert shell.type(*words).code == 2, words
    assert shell.type("login", "--url", "http://127.0.0.1:9").code == 2


def test_problems_are_listed_and_a_bug_is_told_by_its_id(shell: Shell) -> None:
    errors = [{"place": "$.a", "message": "One."}, {"place": "", "message": "Two."}]
    invalid = {"code": "graph_invalid", "detail": "It cannot run.", "status": 422, "errors": errors}
    broken = {"code": "broken", "detail": "Something broke.", "status": 500, "request_id": "the-id"}
    with serve_run() as server:
        shell.variables |= {"CODEXOS_URL": server.url, "CODEXOS_TOKEN": TOKEN}
        server.answers["/agent/run"] = (422, "application/problem+json", json.dumps(invalid).encode())
        said = shell.type("run", "slug")
        assert (said.code, said.err) == (7, "codexos: It cannot run.\n  $.a: One.\n  Two.\n")
        server.answers["/agent/run"] = (500, "application/problem+json", json.dumps(broken).encode())
        said = shell.type("run", "slug")
        assert (said.code, "the-id" in said.err) == (12, True)
