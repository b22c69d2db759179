# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who answers for a model's name, by the settings of this installation: the one place that decides it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.conf import settings

from codexos.kernel.prose import plain
from llm.engine.catalog import (
    ANTHROPIC_CONTEXT_TOKENS,
    ANTHROPIC_NAMES,
    DEFAULT,
    OFFLINE,
    OFFLINE_BUDGET_CHARACTERS,
    OPENAI_NAMES,
    characters_in,
    context_tokens_of,
    is_anthropic,
    is_openai,
    near_names,
)
from llm.engine.providers import PROVIDERS, ProviderKind
from llm.errors import ModelNotConfigured, ModelUnknown, did_you_mean, unknown_here

OPENAI_URL = PROVIDERS["openai"].base_url
OLLAMA_URL = PROVIDERS["ollama"].base_url


@dataclass(frozen=True, slots=True)
class Deployment:
    """One model at one provider with one key. ``setting`` names what an operator corrects where it goes wrong.

    ``provider`` is what people call it, ``kind`` how it is spoken to, ``options`` what that kind is told besides.
    ``is_own`` where an organization set it up, which mends it without a restart.
    """

    provider: str
    model: str
    base_url: str
    setting: str
    context_tokens: int
    key: str = field(default="", repr=False)
    is_of_openai: bool = False
    kind: ProviderKind = "openai"
    options: Mapping[str, str] = field(default_factory=dict, hash=False)
    is_own: bool = False

    @property
    def host_and_port(self) -> tuple[str, int]:
        """Where it is asked."""
        parts = urlsplit(self.base_url)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def is_at_the_makers_own_address(self) -> bool:
        """Whether its maker serves it: there prices are known, and no private address can be meant."""
        provider = PROVIDERS[self.kind]
        return not provider.is_local and self.base_url == provider.address(self.options)


@dataclass(frozen=True, slots=True)
class Substitute:
    """The built-in model answers. ``note`` tells people why, where they asked for another; ``refusal`` is what is
    raised instead where the organization allows no substitutes."""

    note: str | None = None
    refusal: ModelNotConfigured | ModelUnknown | None = None


def find_deployment(name: str) -> Deployment | Substitute:
    """Return who answers for ``name``: a name that is set up exactly comes before a family, that before ``*``."""
    if name == DEFAULT:
        return _default()
    if name == OFFLINE:
        return Substitute()
    if name in settings.MODELS and name != "*":
        return _own(name)
    if name in settings.OLLAMA_MODELS:
        context_tokens = settings.MODEL_CONTEXT_TOKENS
        return Deployment("Ollama", name, OLLAMA_URL, "OLLAMA_MODEL", context_tokens, kind="ollama")
    if settings.OPENAI_API_KEY and is_openai(name):
        return _openai(name)
    if settings.ANTHROPIC_API_KEY and is_anthropic(name):
        return _anthropic(name)
    return _own(name) if "*" in settings.MODELS else _substitute(name)


def is_model_available(name: str) -> bool:
    """Tell whether what answers for ``name`` is what was asked for and no substitute."""
    return refusal_of(name) is None


def refusal_of(name: str) -> ModelNotConfigured | ModelUnknown | None:
    """Return what is raised for ``name`` where no substitute may answer for it, None where nothing is."""
    found = find_deployment(name)
    return found.refusal if isinstance(found, Substitute) else None


def input_budget(name: str) -> int:
    """How many characters whoever answers for ``name`` takes."""
    found = find_deployment(name)
    return OFFLINE_BUDGET_CHARACTERS if isinstance(found, Substitute) else characters_in(found.context_tokens)


def configured_names() -> Sequence[str]:
    """The names that are set up one by one."""
    return [*(name for name in settings.MODELS if name != "*"), *settings.OLLAMA_MODELS]


def known_names() -> Sequence[str]:
    """Every name that can be completed, each once."""
    return list(dict.fromkeys([DEFAULT, OFFLINE, *configured_names(), *OPENAI_NAMES, *ANTHROPIC_NAMES]))


def operators_names() -> Sequence[str]:
    """The names that somebody answers here, the built-in model among them: those that a route may lead to."""
    return [name for name in known_names() if name != DEFAULT and refusal_of(name) is None]


def _default() -> Deployment | Substitute:
    if settings.DEFAULT_MODEL not in (DEFAULT, OFFLINE):
        return find_deployment(settings.DEFAULT_MODEL)
    # Not what somebody asked for and did not get: it is what the operator chose, so it is refused to nobody.
    return Substitute("No default model is configured, so the built-in offline model answered.")


def _own(name: str) -> Deployment:
    provider = f"The model server {urlsplit(settings.MODEL_URL).netloc}"
    return Deployment(
        provider, name, settings.MODEL_URL, "CODEXOS_MODEL_KEY", settings.MODEL_CONTEXT_TOKENS, settings.MODEL_KEY
    )


def _openai(name: str) -> Deployment:
    base_url = settings.OPENAI_BASE_URL or OPENAI_URL
    return Deployment(
        "OpenAI", name, base_url, "OPENAI_API_KEY", context_tokens_of(name), settings.OPENAI_API_KEY, is_of_openai=True
    )


def _anthropic(name: str) -> Deployment:
    base_url = settings.ANTHROPIC_BASE_URL or PROVIDERS["anthropic"].base_url
    key = settings.ANTHROPIC_API_KEY
    tokens = ANTHROPIC_CONTEXT_TOKENS
    return Deployment("Anthropic", name, base_url, "ANTHROPIC_API_KEY", tokens, key, kind="anthropic")


def _substitute(name: str) -> Substitute:
    shown = plain(name)[:100]
    answered = "so the built-in offline model answered"
    if is_openai(name) or is_anthropic(name):
        note = f"No model key is configured for {shown!r}, {answered}."
    else:
        near = near_names(name, known_names())
        note = f"No model called {shown!r} is known here{did_you_mean(near)}, {answered}."
        return Substitute(note, unknown_here(shown, near))
    return Substitute(note, ModelNotConfigured(model=shown))
