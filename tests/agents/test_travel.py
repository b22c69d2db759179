# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Going on from runs that have ended, over HTTP and through a real worker: what is kept is not done again."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import psycopg
import pytest
from django.test import AsyncClient

from tests.agents.test_runs import run_agent, working
from tests.factories import Someone, World


class Counted(ThreadingHTTPServer):
    """Counts who was asked for; what stands in ``broken`` answers 500."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.asked: Counter[str] = Counter()
        self.broken: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Answers(BaseHTTPRequestHandler):
    server: Counted

    def do_POST(self) -> None:
        self.server.asked[self.path] += 1
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.dumps({"at": self.path}).encode()
        self.send_response(500 if self.path in self.server.broken else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        return


@pytest.fixture
def outside(settings: Any) -> Iterator[Counted]:
    """A server outside that counts."""
    server = Counted()
    settings.EGRESS_ALLOW = f"127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, args=[0.02], daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


def post(outside: Counted, node_id: str, following: str, **more: Any) -> dict[str, Any]:
    arguments = {"method": "POST", "url": f"{outside.url}/{node_id}", **more}
    return {"id": node_id, "type": "tool", "tool": "HTTPRequest", "arguments": arguments, "next": following}


def drawn(outside: Counted, **of_b: Any) -> dict[str, Any]:
    return {
        "nodes": [
            {"id": "start", "type": "entry", "next": "a"},
            post(outside, "a", "check"),
            {
                "id": "check",
                "type": "condition",
                "cases": [{"when": "{{ a.status == 200 }}", "next": "b"}, {"when": "true", "next": "end"}],
            },
            post(outside, "b", "c", **of_b),
            post(outside, "c", "end"),
            {"id": "end", "type": "exit", "output": {"b": "{{ b.status ?? 0 }}"}},
        ]
    }


async def send(who: Someone, run_id: str, deed: str, **body: Any) -> Any:
    headers = {"Authorization": f"Bearer {who.token}"}
    path = f"/api/v1/runs/{run_id}/{deed}"
    return await AsyncClient().post(path, body, content_type="application/json", headers=headers)


async def ended(who: Someone, run_id: str) -> dict[str, Any]:
    """Wait for a run's end."""
    headers = {"Authorization": f"Bearer {who.token}"}
    for _ in range(400):
        run: dict[str, Any] = (await AsyncClient().get(f"/api/v1/runs/{run_id}/", headers=headers)).json()
        if run["status"] in {"succeeded", "failed", "cancelled"}:
            return run
        await asyncio.sleep(0.05)
    raise AssertionError(f"run {run_id} did not end: {run}")


async def begun(world: World, outside: Counted) -> dict[str, Any]:
    """A run of three requests that has ended."""
    answer = await run_agent(world.dev, {"agent_id": "a", "flow": drawn(outside), "input": "Go"})
    return dict(answer.json())


async def test_a_run_is_retried_run_again_forked_and_tried_with_a_draft(
    committed_world: World, outside: Counted, truth: psycopg.Connection
) -> None:
    dev = committed_world.dev
    with working():
        first = await begun(committed_world, outside)
        assert (first["status"], outside.asked) == ("succeeded", {"/a": 1, "/b": 1, "/c": 1})
        # run again from the last
        answer = await send(dev, first["id"], "rerun/", **{"from": "c"})
        assert answer.status_code == 202, answer.json()
        again = answer.json()
        assert (again["parent_id"], again["origin"]["kind"], again["origin"]["from"]) == (first["id"], "rerun", "c")
        told = await ended(dev, again["id"])
        assert (told["status"], outside.asked) == ("succeeded", {"/a": 1, "/b": 1, "/c": 2})
        # forked with another result: the condition goes another way
        forked = (await send(dev, first["id"], "fork/", steps={"a": {"status": 404}})).json()
        assert (await ended(dev, forked["id"]))["result"]["output"] == {"b": 0}
        assert outside.asked == {"/a": 1, "/b": 1, "/c": 2}
        # another drawing
        tried = (await send(dev, first["id"], "try-draft/", document=drawn(outside, headers={"X-Other": "1"}))).json()
        assert (await ended(dev, tried["id"]))["status"] == "succeeded"
        assert outside.asked == {"/a": 1, "/b": 2, "/c": 3}
        # and each of them is replayed, with nothing asked outside
        for run_id in (first["id"], again["id"], forked["id"], tried["id"]):
            verdict = (await send(dev, run_id, "replay/")).json()
            assert (verdict["identical"], verdict["differences"]) == (True, [])
        assert outside.asked == {"/a": 1, "/b": 2, "/c": 3}
        assert (await ended(dev, first["id"]))["children"] == 3
    kept = "select count(*) from agents_journalentry where run_id = %s and convert_from(delta, 'UTF8') like %s"
    assert truth.execute(kept, [again["id"], '%"kept"%']).fetchone() == (4,)


async def test_a_retry_does_only_what_failed(committed_world: World, outside: Counted) -> None:
    dev = committed_world.dev
    outside.broken = {"/b"}
    document = drawn(outside)
    document["nodes"][3]["arguments"]["url"] = "http://127.0.0.1:1/refused"
    with working():
        first = (await run_agent(dev, {"agent_id": "a", "flow": document, "input": "Go"})).json()
        assert first["status"] == "failed"
        answer = await send(dev, first["id"], "retry/")
        assert answer.status_code == 202, answer.json()
        retried = await ended(dev, answer.json()["id"])
    assert (retried["status"], outside.asked) == ("failed", {"/a": 1})
    assert retried["usage"]["input_tokens"] == 0


async def test_what_cannot_be_is_answered_by_name(committed_world: World, outside: Counted) -> None:
    dev = committed_world.dev
    waiting = await AsyncClient().post(
        "/agent/run",
        {"agent_id": "a", "flow": drawn(outside), "input": "Go"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {dev.token}", "Prefer": "respond-async"},
    )
    unfinished = await send(dev, waiting.json()["id"], "retry/")
    assert (unfinished.status_code, unfinished.json()["code"]) == (409, "run_unfinished")
    with working():
        await ended(dev, waiting.json()["id"])
    first = waiting.json()["id"]
    for deed, body, status, code in (
        ("retry/", {}, 409, "nothing_to_retry"),
        ("rerun/", {"from": "nowhere"}, 422, "journey_impossible"),
        ("rerun/", {}, 422, "invalid_input"),
        ("fork/", {}, 422, "journey_impossible"),
        ("fork/", {"steps": {"nowhere": 1}}, 422, "journey_impossible"),
        ("fork/", {"state": {"nothing": 1}}, 422, "journey_impossible"),
        ("try-draft/", {}, 422, "journey_impossible"),
        ("try-draft/", {"document": {"nodes": []}}, 422, "graph_invalid"),
    ):
        answer = await send(dev, first, deed, **body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (deed, answer.json())
    # nobody of another organization learns that it is there, and a viewer only looks
    for deed in ("retry/", "fork/", "replay/"):
        assert (await send(committed_world.stranger, first, deed, input="x")).status_code == 404
        assert (await send(committed_world.viewer, first, deed, input="x")).status_code == 403


async def test_content_that_is_gone_is_gone(
    committed_world: World, outside: Counted, truth: psycopg.Connection
) -> None:
    with working():
        first = await begun(committed_world, outside)
    truth.execute("update agents_run set content_expired_at = now()")
    answer = await send(committed_world.dev, first["id"], "rerun/", **{"from": "c"})
    assert (answer.status_code, answer.json()["code"]) == (409, "run_content_expired")


async def test_a_parent_that_goes_before_its_child_begins_ends_the_child_by_name(
    committed_world: World, outside: Counted, truth: psycopg.Connection
) -> None:
    dev = committed_world.dev
    with working():
        first = await begun(committed_world, outside)
    child = (await send(dev, first["id"], "rerun/", **{"from": "c"})).json()
    truth.execute("update agents_run set content_expired_at = now() where id = %s", [first["id"]])
    with working():
        told = await ended(dev, child["id"])
    assert (told["status"], told["error"]["code"]) == ("failed", "parent_gone")
    assert outside.asked["/c"] == 1
