# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The kinds of provider a model can be asked at: how each is called, where it is, and what it wants to be told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

ProviderKind = Literal[
    "openai", "anthropic", "gemini", "azure", "bedrock", "mistral", "openrouter", "ollama", "llamacpp", "vllm"
]
# ``own``: the house's adapter for OpenAI's protocol, the fast one. ``litellm``: translated.
Speaker = Literal["own", "litellm"]
KeyUse = Literal["required", "optional"]

KINDS: Sequence[ProviderKind] = get_args(ProviderKind)


@dataclass(frozen=True, slots=True)
class ProviderOption:
    """Something a provider is told beside address, key and model. Without a ``default`` it must be, unless optional."""

    name: str
    label: str
    default: str = ""
    is_optional: bool = False

    @property
    def is_required(self) -> bool:
        """Whether a deployment goes nowhere without it."""
        return not self.default and not self.is_optional


@dataclass(frozen=True, slots=True)
class Provider:
    """One kind: ``base_url`` may name options in braces and is empty where each customer has an own address."""

    kind: ProviderKind
    label: str
    base_url: str
    key: KeyUse
    speaker: Speaker
    options: Sequence[ProviderOption] = ()
    is_local: bool = False

    def address(self, options: Mapping[str, str]) -> str:
        """Where it is asked with these options, if nobody says otherwise; empty where somebody must."""
        told = {option.name: options.get(option.name) or option.default for option in self.options}
        named = [name for name in told if f"{{{name}}}" in self.base_url]
        return self.base_url.format_map(told) if all(told[name] for name in named) else ""

    def missing(self, options: Mapping[str, str]) -> Sequence[ProviderOption]:
        """The options it cannot do without and was not given."""
        return [option for option in self.options if option.is_required and not options.get(option.name)]


_AZURE_OPTIONS = (ProviderOption("api_version", "API version", "2024-10-21"),)
_BEDROCK_OPTIONS = (
    ProviderOption("region", "AWS region"),
    ProviderOption("access_key_id", "AWS access key ID", is_optional=True),
)

# Azure, Mistral, OpenRouter, Ollama, llama.cpp and vLLM speak OpenAI's protocol themselves, in a dialect at most
# (dialects.py): translating it would only add milliseconds and a second place for faults. Who speaks another one, or
# wants to see what it is sent signed, is translated.
PROVIDERS: Mapping[ProviderKind, Provider] = {
    provider.kind: provider
    for provider in (
        Provider("openai", "OpenAI", "https://api.openai.com/v1", "required", "own"),
        Provider("anthropic", "Anthropic", "https://api.anthropic.com", "required", "litellm"),
        Provider("gemini", "Gemini", "https://generativelanguage.googleapis.com/v1beta", "required", "litellm"),
        Provider("azure", "Azure OpenAI", "", "required", "own", _AZURE_OPTIONS),
        # The key is the secret access key that belongs to the access key ID, or without one an API key of Bedrock's.
        Provider(
            "bedrock",
            "Amazon Bedrock",
            "https://bedrock-runtime.{region}.amazonaws.com",
            "required",
            "litellm",
            _BEDROCK_OPTIONS,
        ),
        Provider("mistral", "Mistral", "https://api.mistral.ai/v1", "required", "own"),
        Provider("openrouter", "OpenRouter", "https://openrouter.ai/api/v1", "required", "own"),
        Provider("ollama", "Ollama", "http://127.0.0.1:11434/v1", "optional", "own", is_local=True),
        Provider("llamacpp", "llama.cpp", "http://127.0.0.1:8080/v1", "optional", "own", is_local=True),
        Provider("vllm", "vLLM", "http://127.0.0.1:8000/v1", "optional", "own", is_local=True),
    )
}
