# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A served product that a whole module shares: the web process as people run it, and a flow worker beside it."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connections
from pytest_django.plugin import DjangoDbBlocker

from tests.agents.test_runs import working
from tests.cli.shell import Shell
from tests.conftest import _admin_url, wipe
from tests.factories import Someone, World, make_world
from tests.kernel.test_http_tls import asked_names, certificate, secure_server  # noqa: F401 - fixtures


@dataclass(frozen=True)
class Served:
    """Where the product serves, and who is in it."""

    url: str
    world: World


@pytest.fixture(scope="module")
def served(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """Web and flow worker over this test database, with committed people, until the module is done."""
    with django_db_blocker.unblock():
        world = make_world()
        try:
            with _web(tmp_path_factory.mktemp("web") / "log") as url, working("cli-tests"):
                yield Served(url, world)
        finally:
            connections.close_all()
            with psycopg.connect(_admin_url(str(settings.DATABASES["default"]["NAME"])), autocommit=True) as truth:
                wipe(truth)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell of somebody who is not signed in."""
    return Shell(tmp_path)


@pytest.fixture
def shell_of(served: Served, tmp_path: Path) -> Callable[[Someone], Shell]:
    """Return what opens a shell for somebody who is signed in by the environment."""

    def open_one(who: Someone) -> Shell:
        return Shell(tmp_path, {"CODEXOS_URL": served.url, "CODEXOS_TOKEN": who.token})

    return open_one


@contextmanager
def _web(log: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    words = f"uvicorn codexos.asgi:application --host 127.0.0.1 --port {port} --log-level warning".split()
    environment = {**os.environ, "PORT": str(port), "CODEXOS_URL": url, "DJANGO_SETTINGS_MODULE": "codexos.settings"}
    with (
        log.open("w") as file,
        subprocess.Popen(
            [str(Path(sys.executable).parent / words[0]), *words[1:]], env=environment, stdout=file, stderr=file
        ) as web,
    ):
        try:
            _wait_for(f"{url}/readyz", web)
            yield url
        finally:
            web.terminate()


def _wait_for(url: str, web: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - our own address
            return
        except OSError:
            assert web.poll() is None, "the web process ended"
            time.sleep(0.1)
    raise AssertionError(f"{url} never answered")
