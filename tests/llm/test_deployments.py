# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who answers for which name, and when nobody may."""

from typing import Any

import pytest

from codexos.kernel.chat import ChatAnswer, ChatRequest, Message
from codexos.kernel.http import EgressRefused
from llm.errors import ModelNotConfigured, ModelUnknown
from llm.operations.chat import chat_stream
from llm.queries.deployments import Deployment, find_deployment, input_budget, is_model_available
from tests.fakes.openai import serve_provider
from tests.fakes.providers import FakeAnthropic
from tests.fakes.providers.server import KEY as CLAUDES_KEY
from tests.fakes.providers.server import serve


async def ask(model: str, *, allows_substitutes: bool = True) -> ChatAnswer:
    request = ChatRequest(model, [Message("user", "Who lit the lamp?")])
    pieces = [piece async for piece in chat_stream(request, allows_substitutes=allows_substitutes)]
    assert isinstance(pieces[-1], ChatAnswer)
    return pieces[-1]


def provider_of(name: str) -> str:
    found = find_deployment(name)
    return found.provider if isinstance(found, Deployment) else "offline"


def test_without_any_setting_the_offline_model_answers_for_everybody():
    for name in ("gpt-4", "claude-3-opus", "llama3:8b", "default", "offline", "", "x" * 10_000, "\x00"):
        assert provider_of(name) == "offline"


def test_a_name_set_up_exactly_comes_before_a_family_and_a_family_before_all(settings: Any):
    settings.OPENAI_API_KEY = "sk-x"
    settings.MODEL_URL, settings.MODELS = "http://10.0.0.5:8000/v1", ["gpt-4", "*"]
    settings.OLLAMA_MODELS = ["llama3:8b"]
    assert provider_of("gpt-4o") == "OpenAI"
    assert provider_of("o3-mini") == "OpenAI"
    assert provider_of("gpt-4") == "The model server 10.0.0.5:8000"
    assert provider_of("llama3:8b") == "Ollama"
    assert provider_of("gpt-oss-20b") == "The model server 10.0.0.5:8000"
    assert provider_of("claude-3-opus") == "The model server 10.0.0.5:8000"
    assert provider_of("offline") == "offline"


def test_the_default_is_what_the_operator_chose(settings: Any):
    settings.OPENAI_API_KEY, settings.DEFAULT_MODEL = "sk-x", "gpt-4o"
    assert provider_of("default") == "OpenAI"
    settings.DEFAULT_MODEL = "default"
    assert provider_of("default") == "offline"


async def test_a_substitute_says_so_and_an_unknown_name_is_told_its_neighbors():
    assert (
        await ask("gpt-4")
    ).note == "No model key is configured for 'gpt-4', so the built-in offline model answered."
    note = (await ask("gtp-4")).note or ""
    assert "No model called 'gtp-4' is known here" in note
    assert "'gpt-4'" in note
    assert (await ask("offline")).note is None


async def test_anthropic_answers_for_its_own_models_where_its_key_is_set(settings: Any):
    assert (await ask("claude-sonnet-4-5")).model == "offline"
    with serve(FakeAnthropic()) as fake:
        settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_BASE_URL = CLAUDES_KEY, fake.base_url
        answer = await ask("claude-sonnet-4-5", allows_substitutes=False)
        assert provider_of("gpt-4o") == "offline"
    assert (answer.text, answer.model, answer.note) == ("The lamp was lit in 1871.", "claude-sonnet-4-5", None)
    assert input_budget("claude-sonnet-4-5") == 150_000 * 3
    assert CLAUDES_KEY not in repr(find_deployment("claude-sonnet-4-5"))


async def test_where_substitutes_are_forbidden_nobody_answers_for_another():
    with pytest.raises(ModelNotConfigured, match=r"'gpt-4'.*configure a key.*allow substitutes"):
        await ask("gpt-4", allows_substitutes=False)
    with pytest.raises(ModelUnknown, match=r"'gtp-4'.*did you mean.*'gpt-4'"):
        await ask("gtp-4", allows_substitutes=False)
    assert (await ask("offline", allows_substitutes=False)).model == "offline"
    assert (await ask("default", allows_substitutes=False)).model == "offline"
    assert not ModelNotConfigured.retryable


async def test_the_operators_own_server_answers_without_a_key(settings: Any):
    with serve_provider(key="") as running:
        settings.MODEL_URL, settings.MODELS = running.url, ["llama3:8b"]
        answer = await ask("llama3:8b", allows_substitutes=False)
    assert answer.text == "The lamp was lit in 1871."
    assert answer.note is None


async def test_only_the_named_host_and_port_may_be_private(settings: Any):
    settings.MODEL_URL, settings.MODELS = "http://169.254.169.254/v1", ["x"]
    with pytest.raises(EgressRefused):
        await ask("x")
    with serve_provider() as running:
        settings.MODEL_URL, settings.EGRESS_LOCAL_ONLY = running.url, True
        settings.OPENAI_API_KEY = "sk-x"
        settings.OPENAI_BASE_URL = "http://8.8.8.8/v1"
        with pytest.raises(EgressRefused, match="local-only"):
            await ask("gpt-4o")
        assert running.addresses == []


def test_how_much_a_model_takes_depends_on_who_answers(settings: Any):
    assert input_budget("gpt-4") == 4_000_000
    settings.OPENAI_API_KEY = "sk-x"
    assert input_budget("gpt-4") == 6_144 * 3
    assert input_budget("gpt-4o-mini") == 96_000 * 3
    settings.MODEL_URL, settings.MODELS, settings.MODEL_CONTEXT_TOKENS = "http://10.0.0.5/v1", ["qwen"], 32_768
    assert input_budget("qwen") == 24_576 * 3


@pytest.mark.parametrize(
    ("name", "is_there"), [("offline", True), ("default", True), ("gpt-4o", True), ("claude-3-opus", False)]
)
def test_what_is_available(settings: Any, name: str, is_there: bool):
    settings.OPENAI_API_KEY = "sk-x"
    assert is_model_available(name) is is_there


def test_the_list_of_models_says_who_answers(api: Any, world: Any, settings: Any):
    settings.OPENAI_API_KEY, settings.OLLAMA_MODELS = "sk-canary-0123456789", ["llama3:8b"]
    answer = api(world.viewer).get("/api/v1/models/")
    models = {row["name"]: row for row in answer.json()["results"]}
    assert models["gpt-4o"] == {
        "name": "gpt-4o",
        "provider": "OpenAI",
        "is_available": True,
        "substitute": None,
        "kind": "model",
        "project_id": None,
    }
    assert models["llama3:8b"]["provider"] == "Ollama"
    assert models["offline"]["is_available"]
    assert models["claude-3-opus"]["is_available"] is False
    assert models["claude-3-opus"]["substitute"] == "offline"
    assert "canary" not in answer.content.decode()
