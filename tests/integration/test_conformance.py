# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The protocol's own conformance suite, through the product's door and middleware."""

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from codexos.bodies import App
from tests.agents.live import Served, served
from tests.factories import Someone, World
from tests.integration.conftest import Programs
from tests.integration.rehearsal import rehearsal_manager

REQUIRED = {"2025-11-25": 30, "2026-07-28": 37}
"""How many scenarios each revision requires of a server."""
EXTENSION = "tasks-"
"""Scenarios of an extension that is not offered; the suite runs them and does not count them."""
_UNSCORED = re.compile(r"^  [✓✗] [\w-]+ \(", re.MULTILINE)
_OUTCOME = re.compile(r"^([✓✗]) ([\w-]+): (\d+) passed, (\d+) failed$", re.MULTILINE)


def signed_by(who: Someone) -> Callable[[App], App]:
    """The suite brings no token, so somebody's is put on the way."""

    def signed(app: App) -> App:
        token = (b"authorization", f"Bearer {who.token}".encode())

        async def signing(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "headers": [*scope["headers"], token]}, receive, send)

        return signing

    return signed


@pytest.fixture
async def product(committed_world: World, settings: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    """The product with the rehearsal in the place of its flows."""
    monkeypatch.setattr("agents.mcp_server.speaker.product_manager", rehearsal_manager)
    async with served(around=signed_by(committed_world.dev)) as product:
        settings.CODEXOS_URL = f"http://127.0.0.1:{product.port}"
        yield product


@pytest.mark.parametrize("revision", REQUIRED)
async def test_every_required_scenario_passes(
    product: Served, programs: Programs, tmp_path: Path, revision: str
) -> None:
    words = programs.script("@modelcontextprotocol/conformance", "dist/index.js")
    url = f"http://127.0.0.1:{product.port}/mcp"
    code, said = await programs.run(
        *words, "server", "--url", url, "--requirements", revision, "-o", str(tmp_path), folder=tmp_path
    )
    outcomes = {name: int(failed) for _, name, _, failed in _OUTCOME.findall(said)}
    assert code == 0, said[-8000:]
    assert [name for name, failed in outcomes.items() if failed and not name.startswith(EXTENSION)] == []
    assert len(outcomes) - len(_UNSCORED.findall(said)) == REQUIRED[revision]
    with_checks = sum(int(passed) for _, _, passed, _ in _OUTCOME.findall(said))
    print(f"\n{revision}: {REQUIRED[revision]} scenarios required and passed, {with_checks} checks passed in all")  # noqa: T201
