# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Ten providers as local servers, each in its own format and as strict as the real one, or stricter."""

from collections.abc import Mapping

from tests.fakes.providers.anthropic import FakeAnthropic
from tests.fakes.providers.bedrock import FakeBedrock
from tests.fakes.providers.gemini import FakeGemini
from tests.fakes.providers.openai_like import (
    FakeAzure,
    FakeLlamaCpp,
    FakeMistral,
    FakeOllama,
    FakeOpenAI,
    FakeOpenRouter,
    FakeVllm,
)
from tests.fakes.providers.server import FakeProvider

FAKES: Mapping[str, type[FakeProvider]] = {
    "openai": FakeOpenAI,
    "anthropic": FakeAnthropic,
    "gemini": FakeGemini,
    "azure": FakeAzure,
    "bedrock": FakeBedrock,
    "mistral": FakeMistral,
    "openrouter": FakeOpenRouter,
    "ollama": FakeOllama,
    "llamacpp": FakeLlamaCpp,
    "vllm": FakeVllm,
}
