# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is known of models by their names: whose they are and how much they take."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

OFFLINE = "offline"
DEFAULT = "default"

OPENAI_NAMES = (
    *("gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-4o", "gpt-4o-mini"),
    *("gpt-4-turbo", "gpt-4", "gpt-3.5-turbo", "o4-mini", "o3", "o3-mini", "o1"),
)
ANTHROPIC_NAMES = (
    *("claude-opus-4-1", "claude-sonnet-4-5", "claude-haiku-4-5", "claude-3-opus", "claude-3-5-sonnet"),
    *("claude-3-5-haiku", "claude-3-haiku"),
)
ANTHROPIC_CONTEXT_TOKENS = 200_000

# Open weights carry the name of who made them, not of who serves them.
_OPENAI = re.compile(r"(ft:)?(gpt-(?!oss)|chatgpt-|o[134](-|$)).*")
_ANTHROPIC = re.compile(r"claude-.+")
_REASONING = re.compile(r"(ft:)?(o[134](-|$)|gpt-5(?!-chat)).*")

# Tokens a model reads and writes in all, by the longest beginning of its name.
_CONTEXT_TOKENS = {
    "gpt-5": 272_000,
    "gpt-4.1": 1_000_000,
    "gpt-4o": 128_000,
    "gpt-4-turbo": 128_000,
    "gpt-4-32k": 32_768,
    "gpt-4": 8_192,
    "gpt-3.5-turbo": 16_385,
    "chatgpt-4o": 128_000,
    "o1": 128_000,
    "o3": 200_000,
    "o4": 200_000,
}
CAUTIOUS_CONTEXT_TOKENS = 8_192
# What the built-in model reads in a few seconds.
OFFLINE_BUDGET_CHARACTERS = 4_000_000
OFFLINE_CONTEXT_TOKENS = 1_777_778
"""Where it stands among others that are told by tokens: about as much."""
# English has about four characters a token, much else has fewer; and a quarter is left for the answer.
_CHARACTERS_PER_TOKEN = 3
_SHARE_OF_INPUT = 0.75


def is_openai(name: str) -> bool:
    """Tell whether a model of this name is OpenAI's."""
    return _OPENAI.fullmatch(name) is not None


def is_anthropic(name: str) -> bool:
    """Tell whether a model of this name is Anthropic's."""
    return _ANTHROPIC.fullmatch(name) is not None


def is_reasoning(name: str) -> bool:
    """Tell whether OpenAI's model thinks before it answers: it takes no temperature, and counts its thoughts too."""
    return _REASONING.fullmatch(name) is not None


def context_tokens_of(name: str) -> int:
    """How many tokens OpenAI's model of this name takes; few where that is not known."""
    fitting = [known for known in _CONTEXT_TOKENS if name.removeprefix("ft:").startswith(known)]
    return _CONTEXT_TOKENS[max(fitting, key=len)] if fitting else CAUTIOUS_CONTEXT_TOKENS


def characters_in(context_tokens: int) -> int:
    """How many characters of input surely fit into a context, with room left for the answer."""
    return int(context_tokens * _SHARE_OF_INPUT) * _CHARACTERS_PER_TOKEN


def near_names(name: str, known: Iterable[str]) -> Sequence[str]:
    """The known names most like ``name``, nearest first."""
    return get_close_matches(name[:100].casefold(), list(dict.fromkeys(known)), n=3, cutoff=0.6)
