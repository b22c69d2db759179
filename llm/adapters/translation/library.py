# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The one door to litellm. Coming through takes seconds and 150 MB, so it is opened in a thread by who needs it."""

import os
import warnings
from functools import cache
from types import SimpleNamespace
from typing import Any

# Read while litellm is imported: prices and headers come with it instead of from the network, and no .env is read.
_ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_MODE": "PRODUCTION",
}


@cache
def load() -> Any:
    """Return what is used of litellm. The first call takes seconds: never on an event loop."""
    os.environ.update(_ENVIRONMENT)
    # It says so of its own types, in every worker's log.
    warnings.filterwarnings("ignore", message="Item .* on TypedDict class .* is using the `ReadOnly` qualifier")
    import litellm
    from litellm.llms.anthropic.chat.handler import ModelResponseIterator as AnthropicChunks
    from litellm.llms.anthropic.chat.transformation import AnthropicConfig
    from litellm.llms.bedrock.chat.converse_transformation import AmazonConverseConfig
    from litellm.llms.bedrock.chat.invoke_handler import AWSEventStreamDecoder
    from litellm.llms.gemini.chat.transformation import GoogleAIStudioGeminiConfig
    from litellm.llms.vertex_ai.gemini.transformation import transform_request_body
    from litellm.llms.vertex_ai.gemini.vertex_and_google_ai_studio_gemini import ModelResponseIterator as GeminiChunks

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.drop_params = True
    return SimpleNamespace(
        AnthropicChunks=AnthropicChunks,
        AnthropicConfig=AnthropicConfig,
        BedrockChunks=AWSEventStreamDecoder,
        BedrockConfig=AmazonConverseConfig,
        GeminiChunks=GeminiChunks,
        GeminiConfig=GoogleAIStudioGeminiConfig,
        gemini_body=transform_request_body,
    )
