# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""An organization's own connection to each of the ten, its key in the vault, asked through the gateway."""

from typing import Any

import pytest

from codexos.kernel.chat import Message, ToolCall, ToolOffer
from llm.engine.providers import KINDS, PROVIDERS
from llm.models import Deployment
from llm.operations.deployments import DeploymentEdit, create_deployment
from llm.operations.providers import ProviderEdit, create_provider
from llm.operations.trials import try_provider
from tests.factories import World
from tests.fakes.providers import FAKES
from tests.fakes.providers.server import KEY, FakeProvider, serve
from tests.llm.setting_up import ask, asker_in, put_key, route, way_of


@pytest.fixture(autouse=True)
def _on_this_machine(settings: Any) -> None:
    settings.EGRESS_ALLOW = "127.0.0.1"


def connected(world: World, fake: FakeProvider) -> Deployment:
    """Connect the organization to a provider, by a key that lies in its vault."""
    actor, has_key = world.admin.actor, fake.kind != "ollama"
    if has_key:
        put_key(actor, f"{fake.kind}_key", KEY)
    provider = create_provider(
        actor,
        ProviderEdit(
            name=PROVIDERS[fake.kind].label,
            kind=fake.kind,
            base_url=fake.base_url,
            options=dict(fake.options),
            key=f"{fake.kind}_key" if has_key else "",
        ),
    )
    edit = DeploymentEdit(provider=str(provider.pk), name=f"our-{fake.kind}", model=fake.model, context_tokens=100_000)
    return create_deployment(actor, edit)


@pytest.mark.parametrize("kind", KINDS)
def test_each_of_the_ten_answers_an_organization(world: World, kind: str) -> None:
    with serve(FAKES[kind]()) as fake:
        connected(world, fake)
        shown, answer = ask(asker_in(world), f"our-{kind}")
    assert shown == answer.text == "The lamp was lit in 1871."
    assert way_of(answer) == [(f"our-{kind}", None)]
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (42, 7)
    assert fake.knocks == 1


def test_a_conversation_goes_on_at_a_provider_of_another_protocol(world: World) -> None:
    """Tools were called at the first; it is overloaded; the second is told of those calls in its own words."""
    with serve(FAKES["anthropic"]()) as first, serve(FAKES["mistral"]()) as second, serve(FAKES["gemini"]()) as third:
        route(world.admin.actor, "smart", [connected(world, fake) for fake in (first, second, third)])
        first.will(status=529)
        second.will(status=429)
        call = ToolCall("toolu_01A09q90qw90lq917835lq9", "look_up", '{"name": "Ida"}')
        messages = [
            Message("user", "Go"),
            Message("assistant", "", calls=[call]),
            Message("tool", "She lit it.", call_id=call.id),
        ]
        tools = [ToolOffer("look_up", "Looks up.", {"type": "object", "properties": {"name": {"type": "string"}}})]
        _, answer = ask(asker_in(world), "smart", messages=messages, tools=tools)
    assert way_of(answer) == [
        ("our-anthropic", "model_overloaded"),
        ("our-mistral", "model_rate_limited"),
        ("our-gemini", None),
    ]
    for fake in (first, second, third):
        assert fake.last["calls"] == [("look_up", {"name": "Ida"})]
        assert fake.last["results"] == ["She lit it."]


def test_a_provider_is_tried_with_its_real_error(world: World) -> None:
    with serve(FAKES["anthropic"]()) as fake:
        connection = connected(world, fake).provider
        fake.will(status=404, message="model: claude-sonnet-4-5")
        trial = try_provider(world.admin.actor, connection.pk)
    assert trial.error_code == "model_unknown"
    assert "It says: model: claude-sonnet-4-5" in trial.error
