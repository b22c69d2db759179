# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The kinds of provider: where each is, and what it wants to be told."""

import pytest

from llm.engine.providers import KINDS, PROVIDERS, ProviderKind
from llm.queries.deployments import Deployment


def test_every_kind_is_described():
    assert list(PROVIDERS) == list(KINDS)
    assert len(KINDS) == 10
    for provider in PROVIDERS.values():
        assert provider.label
        assert not provider.base_url.endswith("/")


def test_an_address_may_depend_on_options():
    bedrock = PROVIDERS["bedrock"]
    assert bedrock.address({"region": "eu-west-1"}) == "https://bedrock-runtime.eu-west-1.amazonaws.com"
    assert bedrock.address({}) == ""
    assert [option.name for option in bedrock.missing({"access_key_id": "AKID"})] == ["region"]
    assert PROVIDERS["azure"].missing({}) == []
    assert PROVIDERS["azure"].address({}) == ""


@pytest.mark.parametrize(
    ("kind", "address", "is_own"),
    [
        ("anthropic", "https://api.anthropic.com", True),
        ("anthropic", "http://10.0.0.5", False),
        ("bedrock", "https://bedrock-runtime.eu-west-1.amazonaws.com", True),
        ("azure", "https://us.openai.azure.com", False),
        ("ollama", "http://127.0.0.1:11434/v1", False),
    ],
)
def test_only_a_makers_own_public_address_is_its_own(kind: ProviderKind, address: str, is_own: bool):
    options = {"region": "eu-west-1"} if kind == "bedrock" else {}
    deployment = Deployment("Somebody", "m", address, "KEY", 1, kind=kind, options=options)
    assert deployment.is_at_the_makers_own_address is is_own
    assert hash(deployment) == hash(deployment)
