# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Journeys walk the whole product: real processes over the test database, a real Chromium."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_string
from email.policy import default
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response
from pytest_django.plugin import DjangoDbBlocker

from tests.conftest import wipe
from tests.factories import World, make_world
from tests.fakes.github import GitHubServer, serve_github
from tests.fakes.openai import Provider, serve_provider
from tests.fakes.outside import Outside
from tests.sandbox.conftest import serving

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
# What Playwright switches off, as the last list counts alone; and the two pages behind the address field, which no test
# types into: loading them takes a core for most of a second, for every context.
LEFT_OUT = (
    "AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,HttpsUpgrades,"
    "HttpsFirstBalancedModeAutoEnable,LensOverlay,MediaRouter,PaintHolding,ThirdPartyStoragePartitioning,"
    "AvoidCorsURLLoaderRestartOnRedirect,OptimizationHints,NetworkTimeServiceQuerying,AimEnabled,PreconnectToSearch,"
    "WebUIOmniboxPopup,WebUIOmniboxAimPopup"
)
PROCESSES = (
    "uvicorn codexos.asgi:application --host 127.0.0.1 --port {port} --log-level warning",
    "celery -A codexos.celery worker -P solo -Q flows -n flows-{port}@%h --loglevel WARNING",
    "celery -A codexos.celery worker -P solo -Q jobs,celery -n jobs-{port}@%h --loglevel WARNING",
)


@dataclass(frozen=True)
class Product:
    """The product as it serves: where, and the folder its mails are kept in."""

    url: str
    mails: Path

    @property
    def session_cookie(self) -> str:
        """The name of its session's cookie: one for each port."""
        return f"session-{urlsplit(self.url).port}"

    flow_worker: "subprocess.Popen[bytes]"
    repositories: Path
    """The folder of this machine that sources may read."""

    @contextmanager
    def flows_held(self) -> Iterator[None]:
        """Hold the flow worker still, so that a run stays where it is while the block runs."""
        self.flow_worker.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.flow_worker.send_signal(signal.SIGCONT)

    def newest_mail(self, to: str) -> str:
        """Return the newest mail to an address, waiting for it."""
        for _ in range(100):
            found = [mail for path in self._files() if f"To: {to}" in (mail := path.read_text(encoding="utf-8"))]
            if found:
                return found[-1]
            time.sleep(0.1)
        raise AssertionError(f"no mail to {to}")

    def mailed_link(self, to: str, *, holding: str) -> str:
        """Return the link in the newest mail to an address: its path on this product."""
        body = message_from_string(self.newest_mail(to), policy=default).get_body(("plain",))
        found = re.search(rf"{re.escape(self.url)}(/\S*{holding}\S*)", body.get_content() if body else "")
        assert found, body
        return found[1]

    def _files(self) -> list[Path]:
        return sorted(self.mails.glob("*"), key=lambda path: path.stat().st_mtime)


@pytest.fixture(scope="session")
def outside() -> Iterator[Outside]:
    """A server of somebody else's that the product may reach."""
    with Outside() as server:
        yield server


@pytest.fixture(scope="session")
def model_servers() -> Iterator[tuple[Provider, Provider]]:
    """Two servers of models that the product may reach; what they do next is up to each test."""
    with serve_provider() as first, serve_provider() as second:
        yield first, second


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitHubServer]:
    """A GitHub of one's own that the product is set up for."""
    with serve_github(tmp_path_factory.mktemp("hub")) as server:
        yield server


@pytest.fixture(scope="session")
def sandbox_socket() -> Iterator[str]:
    """Where the sandbox of the product listens. Waited for in a thread: Playwright keeps a loop running in this one."""
    service = serving()
    with ThreadPoolExecutor(1) as thread:
        served = thread.submit(service.__enter__).result()
        try:
            yield served.socket
        finally:
            thread.submit(service.__exit__, None, None, None).result()


@pytest.fixture(scope="session")
def product(
    django_db_setup: None,
    tmp_path_factory: pytest.TempPathFactory,
    outside: Outside,
    model_servers: tuple[Provider, Provider],
    hub: GitHubServer,
    sandbox_socket: str,
) -> Iterator[Product]:
    """Web, flow worker and job worker over this test database, on a port of their own."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "PORT": str(port), "CODEXOS_URL": url, "DJANGO_SETTINGS_MODULE": "codexos.settings"}
    reached = [outside.place, *(urlsplit(server.url).netloc for server in (*model_servers, hub))]
    repositories = tmp_path_factory.mktemp("repositories")
    environment["CODEXOS_SOURCE_FOLDERS"] = str(repositories)
    environment |= {"CODEXOS_SANDBOX_SOCKET": sandbox_socket, "CODEXOS_GITHUB_URL": hub.api}
    environment["CODEXOS_EGRESS_ALLOW"] = ",".join(reached)
    shutil.rmtree(settings.MAIL_FOLDER, ignore_errors=True)  # mails of an earlier product lead to its port
    log = (tmp_path_factory.mktemp("product") / "log").open("w")
    running = [
        subprocess.Popen(
            [str(Path(sys.executable).parent / word) if i == 0 else word for i, word in enumerate(line.split())],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        for line in (process.format(port=port) for process in PROCESSES)
    ]
    try:
        _wait_for(f"{url}/readyz")
        yield Product(url, settings.MAIL_FOLDER, running[1], repositories)
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(30)


@pytest.fixture
def lived(
    product: Product, django_db_blocker: DjangoDbBlocker, truth: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """Committed people that the running product serves; everything is gone afterwards."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright keeps a loop running in this thread
    with django_db_blocker.unblock():
        yield make_world()
    wipe(truth)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Use the machine's Chromium."""
    return {"executable_path": CHROMIUM, "args": [*FLAGS.split(), f"--disable-features={LEFT_OUT}"], "headless": True}


@pytest.fixture
def browser_context_args(browser_context_args: dict[str, Any], product: Product) -> dict[str, Any]:
    """Let pages be named by path."""
    return {**browser_context_args, "base_url": product.url}


@pytest.fixture
def troubles() -> Iterator[list[str]]:
    """What went wrong on any watched page: failing scripts, broken policies, parts that did not load."""
    seen: list[str] = []
    yield seen
    assert seen == []


@pytest.fixture
def page(page: Page, troubles: list[str]) -> Page:
    """A page on which nothing goes wrong unseen."""
    return watched(page, troubles)


@pytest.fixture
def another_browser(
    browser: Browser, browser_context_args: dict[str, Any], troubles: list[str]
) -> Iterator[Callable[..., Page]]:
    """Return what opens a page for somebody else: cookies of its own, options of its own."""
    opened: list[BrowserContext] = []

    def open_one(**options: Any) -> Page:
        opened.append(browser.new_context(**{**browser_context_args, **options}))
        return watched(opened[-1].new_page(), troubles)

    yield open_one
    for context in opened:
        context.close()


def watched(page: Page, troubles: list[str]) -> Page:
    """Note in ``troubles`` whatever goes wrong on a page; an error page that is asked for is no trouble."""

    def note_line(line: ConsoleMessage) -> None:
        if line.type == "error" and not line.text.startswith("Failed to load resource"):
            troubles.append(f"{page.url}: {line.text}")

    def note_answer(answer: Response) -> None:
        if answer.status >= 400 and answer.request.resource_type != "document":
            troubles.append(f"{answer.status} {answer.url}")

    page.on("pageerror", lambda error: troubles.append(f"{page.url}: {error}"))
    page.on("console", note_line)
    page.on("response", note_answer)
    page.set_default_timeout(10_000)
    return page


@pytest.fixture
def sign_in(product: Product) -> Callable[..., None]:
    """Return what signs a person in by their session, without the form."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from accounts.models import Person

    def enter(page: Page, email: str, *, at: str = product.url, age: float = 0) -> None:
        person = Person.objects.get(email=email)
        session = SessionStore()
        session[SESSION_KEY] = str(person.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = person.get_session_auth_hash()
        fresh = {"method": "password", "at": time.time() - age, "email": email, "reauthenticated": True}
        session["account_authentication_methods"] = [fresh]
        session["account_authentication_methods_user"] = str(person.pk)
        session.save()
        context: BrowserContext = page.context
        context.add_cookies([{"name": product.session_cookie, "value": str(session.session_key), "url": at}])

    return enter


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - our own address
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} never answered")
