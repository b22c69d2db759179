# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How many tokens a request is about, and at most: worked out from its texts, for no provider counts beforehand."""

import json
from dataclasses import dataclass

from codexos.kernel.chat import ChatRequest
from llm.engine.prices.rates import Rate

BYTES_PER_TOKEN = 4
# Code and scripts other than Latin have fewer bytes a token than English; two is hardly ever undercut.
LEAST_BYTES_PER_TOKEN = 2
TOKENS_PER_MESSAGE = 8
TOKENS_PER_IMAGE = 1_600
OUTPUT_UNBOUNDED = 16_384
"""What an answer is taken to have at most where neither the request nor the model's entry in the list says."""


@dataclass(frozen=True, slots=True)
class TokenEstimate:
    """About how many tokens are sent, how many at most, and how many the answer has at most."""

    input: int
    most_input: int
    most_output: int


def estimate_of(request: ChatRequest, rate: Rate | None = None) -> TokenEstimate:
    """Return about what a request takes of a model with this rate."""
    size = _bytes_of(request)
    more = len(request.messages) * TOKENS_PER_MESSAGE
    more += sum(len(message.images) for message in request.messages) * TOKENS_PER_IMAGE
    known = rate.most_output if rate is not None and rate.most_output else OUTPUT_UNBOUNDED
    return TokenEstimate(
        -(-size // BYTES_PER_TOKEN) + more,
        -(-size // LEAST_BYTES_PER_TOKEN) + more,
        known if request.max_tokens is None else request.max_tokens,
    )


def _bytes_of(request: ChatRequest) -> int:
    texts = [message.text for message in request.messages]
    texts += [call.arguments for message in request.messages for call in message.calls]
    texts += [document.text for document in request.documents]
    said = sum(len(text.encode("utf-8", "replace")) for text in texts)
    offered = sum(len(tool.description) + len(json.dumps(tool.schema)) for tool in request.tools)
    return said + offered + (len(json.dumps(request.schema)) if request.schema else 0)
