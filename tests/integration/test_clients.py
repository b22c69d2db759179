# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The product's own flows at ``/mcp``, called by programs that others made."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.agents.live import Served, bearer, served
from tests.agents.test_pinning import chain, keep
from tests.agents.test_runs import working
from tests.factories import World
from tests.integration.conftest import Programs
from tests.integration.test_conformance import signed_by

ECHO = chain("echo", output="{{ input }}!")


@pytest.fixture
async def product(committed_world: World) -> AsyncIterator[Served]:
    await asyncio.to_thread(keep, committed_world.dev, committed_world, ECHO)
    async with served() as product:
        yield product


async def test_the_inspector_lists_calls_and_reads(
    committed_world: World, product: Served, programs: Programs, tmp_path: Path
) -> None:
    # given
    path = f"/api/v1/projects/{committed_world.project.pk}/files/notes.md"
    await product.http.put(path, content=b"# Notes", headers=bearer(committed_world.dev))
    inspector = programs.script("@modelcontextprotocol/inspector", "clients/launcher/build/index.js")
    told = ["--header", f"Authorization: Bearer {committed_world.dev.token}"]

    async def inspect(*words: str) -> Any:
        url = f"http://127.0.0.1:{product.port}/mcp"
        code, said = await programs.run(*inspector, "--cli", url, *words, *told, folder=tmp_path)
        assert code == 0, said
        return json.JSONDecoder().raw_decode(said[said.index("{") :])[0]

    # when
    tools = await inspect("--method", "tools/list", "--strict")
    with working():
        result = await inspect("--method", "tools/call", "--tool-name", "flow__echo", "--tool-arg", "input=hello")
    resources = await inspect("--method", "resources/list")
    (uri,) = (resource["uri"] for resource in resources["resources"])
    content = await inspect("--method", "resources/read", "--uri", uri)
    # then
    assert [tool["name"] for tool in tools["tools"]] == ["flow__echo", "run_result"]
    assert result["structuredContent"]["output"] == "hello!"
    assert content["contents"][0]["text"] == "# Notes"


@pytest.mark.parametrize(
    ("revision", "scenarios"),
    [
        ("2025-11-25", ["server-initialize", "ping", "tools-list", "resources-list", "server-session-lifecycle"]),
        ("2026-07-28", ["tools-list", "resources-list", "sep-2164-resource-not-found"]),
    ],
)
async def test_the_product_itself_passes_what_needs_no_rehearsal(
    committed_world: World, programs: Programs, tmp_path: Path, settings: Any, revision: str, scenarios: list[str]
) -> None:
    await asyncio.to_thread(keep, committed_world.dev, committed_world, ECHO)
    suite = programs.script("@modelcontextprotocol/conformance", "dist/index.js")
    async with served(around=signed_by(committed_world.dev)) as product:
        url = settings.CODEXOS_URL = f"http://127.0.0.1:{product.port}"
        for scenario in scenarios:
            words = ["server", "--url", f"{url}/mcp", "--scenario", scenario, "--spec-version", revision]
            code, said = await programs.run(*suite, *words, "-o", str(tmp_path), folder=tmp_path)
            assert code == 0, said
            assert "0 failed" in said, said
