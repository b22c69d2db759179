# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The canary: a secret is put over the API, used in real runs against a server that says it back in every form it can
think of, and then looked for everywhere. It is nowhere; and where redaction is taken away, the same search finds it.
"""

import asyncio
import base64
import html
import io
import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus

import psycopg
import pytest
from django.conf import LazySettings
from django.test import Client

from accounts.operations.organizations import change_organization
from agents.adapters.tools.http_request import HTTPRequest
from codexos.kernel.redaction import REDACTED, Redactor
from tests.agents.engine.stage import chain
from tests.agents.live import Served, bearer, everything, served
from tests.agents.test_runs import working
from tests.factories import Someone, World, sign_in
from tests.fakes.openai import KEY, Provider, serve_provider
from tests.kernel.local_server import Asked, LocalServer, answer
from tests.vault.gathering import Places, dump, found_in, listening, logging_as_served, read_redis

LONG, SHORT = "qZ7f3a9c51e2d8KwVt", "qZ7f-3a9c-51e2-d8Kw"
"""What all forms hold that leave letters, digits and hyphens: one run of them that is telling by itself, and none."""


def canary_of(core: str) -> str:
    """Return a secret that looks different in every form."""
    return f'{core}/+"\\ tail'


PATHS = ("/json", "/headers", "/base64", "/forms", "/html", "/refused", "/failed", "/cut", "/broken")
REF = "{{ vault.canary }}"


def parrot(asked: Asked) -> Iterator[bytes]:
    """Say back what was heard."""
    heard = asked.headers["x-key"]
    shown: dict[str, Any] = {
        "/json": {"said": heard, "inside": json.dumps({"a": heard}), heard: [heard]},
        "/headers": {"see": "headers"},
        "/base64": [base64.b64encode(b"x" * shift + heard.encode() + b"y" * shift).decode() for shift in range(4)],
        "/forms": [heard.encode().hex(), quote(heard), quote_plus(heard), quote(heard, safe=""), repr(heard)],
        "/html": f"<p>{html.escape(heard)}</p>",
    }
    path = asked.path.partition("?")[0]
    body = json.dumps(shown.get(path, f"no: {heard}")).encode()
    if path == "/cut":
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + body
        raise OSError
    status = {"/refused": "403 Forbidden", "/failed": "500 Internal Server Error"}.get(path, "200 OK")
    yield answer(body, status=status, Content_Type="application/json", X_Echo=heard, X_Sent=asked.path)


def asking(server: LocalServer) -> dict[str, Any]:
    """A flow that hands the secret on in the header, the query and the body, and goes on whatever comes of it."""
    steps: list[Any] = [
        {
            "id": path[1:],
            "type": "tool",
            "tool": "HTTPRequest",
            "arguments": {
                "method": "POST",
                "url": server.url(path),
                "headers": {"X-Key": REF, "Authorization": f"Bearer {REF}"},
                "query": {"k": REF},
                "json": {"note": f"key: {REF}", "list": [REF]},
            },
            "on_error": {"default": {"text": "nothing"}},
        }
        for path in PATHS
    ]
    told = {"id": "told", "type": "llm", "model": "gpt-4o", "prompt": "{{ to_json(steps) }}"}
    lanes = {"id": "lanes", "type": "map", "over": "{{ input.many }}", "body": chain(), "max_parallel": 100}
    ask = {"id": "may", "type": "approval", "show": "{{ steps }}", "next": {"approve": "end"}}
    flow = chain({"id": "creds", "type": "vault", "secret": "canary"}, *steps, told, lanes)
    flow["nodes"][-1] = {"id": "end", "type": "exit", "output": "{{ steps }}"}  # type: ignore[index]
    flow["nodes"][-2]["next"] = "may"  # type: ignore[index]
    return {**flow, "nodes": [*flow["nodes"], ask]}  # type: ignore[list-item, misc]


@dataclass
class Walk:
    """One way of the secret through the product."""

    world: World
    server: LocalServer
    provider: Provider
    truth: psycopg.Connection
    core: str = LONG
    places: Places = field(default_factory=Places)
    log: io.StringIO = field(default_factory=io.StringIO)

    @property
    def canary(self) -> str:
        """The secret itself."""
        return canary_of(self.core)

    @property
    def leaks(self) -> dict[str, list[str]]:
        """Where it was found."""
        return self.places.leaks(self.core)

    async def go(self) -> None:
        with logging_as_served() as self.log, listening(self.places):
            async with served() as product:
                await self._put(product)
                with working():
                    run_id = await self._run(product)
                    await self._look(product, run_id)
                    dump(self.truth, self.places)
                    read_redis(self.places)
                    await self._end(product, run_id)
                await self._look(product, run_id)
                await asyncio.to_thread(self._look_at_pages, run_id)
        dump(self.truth, self.places)
        read_redis(self.places)
        self.places.add("log", self.log.getvalue())
        self.places.add("model requests", json.dumps(self.provider.asked))

    async def _put(self, product: Served) -> None:
        body = {"key": "canary", "value": self.canary, "tags": ["ci"]}
        for _ in range(2):
            headers = {**bearer(self.world.dev), "Idempotency-Key": "put-the-canary"}
            put = await product.http.post("/vault/put", json=body, headers=headers)
            assert put.status_code == 201, put.text
            self.places.add("answer of put", put.text)
        # What is sent wrongly is not said back.
        for unfit in ({**body, "key": "a/b"}, {**body, "value": [self.canary]}, {**body, "encoding": "base64"}):
            wrong = await product.http.post("/vault/put", json=unfit, headers=bearer(self.world.dev))
            assert wrong.status_code == 422, wrong.text
            self.places.add("answer of put", wrong.text)

    async def _run(self, product: Served) -> str:
        body = {"agent_id": "canary", "flow": asking(self.server), "input": {"many": list(range(450))}}
        headers = {**bearer(self.world.dev), "Prefer": "respond-async"}
        started = await product.http.post("/agent/run", json=body, headers=headers)
        assert started.status_code == 202, started.text
        run_id = str(started.json()["id"])
        async with product.socket(run_id, self.world.dev) as line:
            async for text in line:
                self.places.add("socket", str(text))
                if json.loads(text)["type"] in ("run.waiting", "run.finished"):
                    break
        return run_id

    async def _end(self, product: Served, run_id: str) -> None:
        headers = bearer(self.world.dev)
        body = {"node_id": "may", "decision": "approve"}
        answered = await product.http.post(f"/api/v1/runs/{run_id}/decide/", json=body, headers=headers)
        assert answered.status_code < 300, answered.text
        async with product.socket(run_id, self.world.dev) as line:
            self.places.add("socket", json.dumps(await everything(line)))

    async def _look(self, product: Served, run_id: str) -> None:
        """Ask for everything there is to be asked about a run, and about what was done."""
        at = f"/api/v1/runs/{run_id}/"
        paths = [at, f"{at}steps/", f"{at}state/", *(f"{at}steps/{path[1:]}/" for path in PATHS), "/api/v1/runs/"]
        for path in (*paths, "/api/v1/secrets/", "/api/v1/secrets/canary/", "/api/v1/secrets/canary/versions/"):
            answered = await product.http.get(path, headers=bearer(self.world.dev))
            assert answered.status_code == 200, (path, answered.text)
            self.places.add("api", answered.text)
        audit = await product.http.get("/api/v1/audit-events/export/", headers=bearer(self.world.admin))
        assert audit.status_code == 200
        assert "secret.used" in audit.text
        self.places.add("audit export", audit.text)
        run = (await product.http.get(at, headers=bearer(self.world.dev))).json()
        if run["status"] == "succeeded":
            self.places.add("events", json.dumps(await product.sent_events(run_id, self.world.dev)))
            replayed = await product.http.post(f"{at}replay/", json={}, headers=bearer(self.world.dev))
            assert replayed.status_code == 200, replayed.text
            self.places.add("replay", replayed.text)

    def _look_at_pages(self, run_id: str) -> None:
        client = Client(raise_request_exception=False)
        sign_in(client, self.world.dev.person)
        for path in (f"/runs/{run_id}/", *(f"/runs/{run_id}/step/?node={path[1:]}" for path in PATHS), "/runs/"):
            page = client.get(path)
            assert page.status_code == 200, path
            self.places.add("pages", page.content.decode())


@pytest.fixture
async def walk(
    committed_world: World, truth: psycopg.Connection, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Walk]:
    send = HTTPRequest._send

    async def fragile(tool: HTTPRequest, request: Any, on: Any) -> Any:
        if "/broken" in request.url:
            raise RuntimeError(f"cannot send {request.headers} to {request.url}")
        return await send(tool, request, on)

    monkeypatch.setattr(HTTPRequest, "_send", fragile)
    with LocalServer(parrot) as server, serve_provider() as provider:
        settings.EGRESS_ALLOW = f"127.0.0.1:{server.port}"
        settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = provider.url, KEY
        yield Walk(committed_world, server, provider, truth)


@pytest.mark.parametrize("core", [LONG, SHORT])
async def test_the_canary_is_nowhere(walk: Walk, core: str) -> None:
    walk.core = core
    canary = walk.canary
    await walk.go()
    # First the controls: it was sealed, and it arrived, whole, in header, query and body.
    assert walk.truth.execute("select count(*) from vault_secretversion").fetchone() == (1,)
    arrived = {asked.path.partition("?")[0]: asked for asked in walk.server.asked}
    assert arrived.keys() == {*PATHS} - {"/broken"}
    for asked in arrived.values():
        assert asked.headers["x-key"] == canary
        assert asked.headers["authorization"] == f"Bearer {canary}"
        assert quote_plus(canary) in asked.path
        assert json.loads(asked.body) == {"note": f"key: {canary}", "list": [canary]}
    # What was gathered is there to be looked through, and tells of the redaction.
    places = walk.places.texts
    assert places.keys() >= {
        *("answer of put", "database", "redis pub/sub", "log", "socket", "events", "api", "pages", "replay"),
        *("audit export", "model requests"),
    }
    for place in ("database", "redis pub/sub", "socket", "events", "api", "pages", "model requests", "log"):
        assert REDACTED in "\n".join(places[place]), place
    assert "Traceback" in walk.log.getvalue()
    assert "cannot send" in walk.log.getvalue()
    # And it is nowhere.
    assert walk.leaks == {}


async def test_without_redaction_the_same_search_finds_it(walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Redactor, "redact", lambda redactor, text: text)
    monkeypatch.setattr(Redactor, "redact_bytes", lambda redactor, data: data)
    monkeypatch.setattr(Redactor, "redact_json", lambda redactor, value: value)
    await walk.go()
    assert walk.leaks.keys() >= {
        *("database", "redis pub/sub", "socket", "events", "api", "pages", "model requests", "log"),
    }
    assert len(walk.leaks["database"]) >= 5
    # What never holds it does not hold it then either.
    assert not walk.leaks.keys() & {"answer of put", "audit export"}


async def test_an_error_page_holds_nothing_of_what_was_sent(
    committed_world: World, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings.DEBUG is False

    def broken(*args: Any, **kwargs: Any) -> None:
        held = kwargs or args
        raise RuntimeError(f"broke while it held {len(held)} things")

    monkeypatch.setattr("vault.api.views.secrets.put_secret", broken)
    with logging_as_served() as log:
        async with served() as product:
            answered = await product.http.post(
                "/vault/put", json={"key": "canary", "value": canary_of(LONG)}, headers=bearer(committed_world.dev)
            )
    assert answered.status_code == 500
    assert "Traceback" in log.getvalue()
    assert found_in(answered.text + log.getvalue(), LONG) == []


async def test_a_model_that_is_told_the_canary_does_not_tell_it(walk: Walk) -> None:
    """Where the organization lets prompts hold secrets, the model has it and nobody else."""
    world, provider = walk.world, walk.provider

    await asyncio.to_thread(change_organization, world.admin.actor, allows_secrets_in_prompts=True)
    flow = chain({"id": "x", "type": "llm", "model": "gpt-4o", "prompt": f"Say {REF}", "system": REF})
    provider.will(words=tuple(re.findall("..?", f"It is {walk.canary}!")))
    with listening(walk.places), logging_as_served() as log:
        async with served() as product:
            await walk._put(product)
            with working():
                done = await ask(product, world.dev, flow)
            walk.places.add("api", json.dumps(done))
            walk.places.add("events", json.dumps(await product.sent_events(done["id"], world.dev)))
            dump(walk.truth, walk.places)
            read_redis(walk.places)
    walk.places.add("log", log.getvalue())
    assert [each["content"] for each in provider.asked[0]["messages"]] == [walk.canary, f"Say {walk.canary}"]
    assert done["result"]["output"] == f"It is {REDACTED}!"
    assert walk.leaks == {}


async def ask(product: Served, who: Someone, flow: Any) -> Any:
    body = {"agent_id": "canary", "flow": flow, "input": ""}
    answered = await product.http.post("/agent/run", json=body, headers=bearer(who))
    assert answered.status_code == 200, answered.text
    return answered.json()
