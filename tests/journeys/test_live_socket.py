# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A page follows a run over a WebSocket with a ticket, as the documentation says it."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from agents.operations.runs import RunRequest, start_run
from tests.agents.test_live_docs import example
from tests.agents.test_runs import BLUEPRINT
from tests.factories import World
from tests.journeys.conftest import Product

pytestmark = pytest.mark.browser

FOLLOW = """
async ([runId, after]) => {
  %s
  const seen = [];
  const csrf = document.cookie.match(/csrf[^=]*=([^;]+)/)[1];
  const note = (event) => event.seq && event.type !== "heartbeat" && seen.push(event.seq);
  const code = await follow(runId, csrf, note, after);
  return [code, seen];
}
"""


def test_a_page_follows_a_run_with_a_ticket(
    page: Page, lived: World, product: Product, sign_in: Callable[..., None]
) -> None:
    request = RunRequest(agent_id="a", document=BLUEPRINT, input="Go")
    run = start_run(lived.dev.actor, request=request)
    sign_in(page, "dev@acme.example")
    page.goto("/files/")  # any page: that of the run draws itself anew at the end
    code, seen = ask(page, str(run.id), 0)
    assert code == 1000
    assert seen == list(range(1, len(seen) + 1))
    assert ask(page, str(run.id), 5) == [1000, seen[5:]]


def ask(page: Page, run_id: str, after: int) -> Any:
    return page.evaluate(FOLLOW % example("js"), [run_id, after])
