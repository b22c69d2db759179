# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A policy and a real run: what is denied never leaves, and what the list of hosts leaves out is closed."""

from collections.abc import Iterator

import pytest
from asgiref.sync import sync_to_async

from agents.adapters.rego import stop_all
from agents.operations.policies import save_policy_draft, switch_on_policy
from tests.agents.test_tools import asking, run, server
from tests.factories import World
from tests.kernel.local_server import LocalServer

__all__ = ["server"]


@pytest.fixture(autouse=True)
def _ends() -> Iterator[None]:
    yield
    stop_all()


async def hold(world: World, source: str) -> None:
    await sync_to_async(save_policy_draft)(world.admin.actor, source=source)
    await sync_to_async(switch_on_policy)(world.admin.actor)


async def test_what_a_rule_denies_never_leaves(committed_world: World, server: LocalServer) -> None:
    await hold(
        committed_world,
        "rules: [{name: no-posts, when: {tool: HTTPRequest, capability: write}, then: deny, reason: no posts here}]",
    )
    found = await run(committed_world, asking(server.url(), method="POST", json={}))
    assert (found["status"], found["error"]["code"]) == ("failed", "tool_denied")
    assert "no posts here" in found["error"]["message"]
    assert server.connections == 0


async def test_what_rego_denies_never_leaves(committed_world: World, server: LocalServer) -> None:
    source = """
    rego:
      source: |
        package codexos

        decision := {"verdict": "deny", "reasons": ["not on a port"]} if {
            some host in input.hosts
            contains(host, ":")
        } else := input.rules
    """
    await hold(committed_world, source)
    found = await run(committed_world, asking(server.url()))
    assert (found["status"], found["error"]["code"]) == ("failed", "tool_denied")
    assert "not on a port" in found["error"]["message"]
    assert server.connections == 0


async def test_hosts_that_the_list_leaves_out_are_closed(committed_world: World, server: LocalServer) -> None:
    await hold(committed_world, "egress: {hosts: [api.example.com]}")
    found = await run(committed_world, asking(server.url()))
    assert (found["status"], found["error"]["code"]) == ("failed", "egress_refused")
    assert server.connections == 0


async def test_the_policy_of_another_organization_decides_nothing_here(
    committed_world: World, server: LocalServer
) -> None:
    await sync_to_async(save_policy_draft)(committed_world.stranger.actor, source="otherwise: deny")
    await sync_to_async(switch_on_policy)(committed_world.stranger.actor)
    found = await run(committed_world, asking(server.url()))
    assert found["status"] == "succeeded"
