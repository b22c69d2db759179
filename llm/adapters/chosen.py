# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Which adapter speaks to a deployment."""

from codexos.kernel.chat import ChatModel
from codexos.kernel.http import EgressPolicy
from llm.adapters.apart import ApartModel
from llm.adapters.litellm_model import LitellmModel
from llm.adapters.openai_compatible import OpenAICompatibleModel
from llm.engine.providers import PROVIDERS
from llm.queries.deployments import Deployment


def open_adapter(deployment: Deployment, *, policy: EgressPolicy, apart: bool = False) -> ChatModel:
    """Return the adapter for a deployment's kind; it may go where ``policy`` allows and nowhere else.

    What needs litellm is asked ``apart``, in a process of its own, where this one serves pages.
    """
    if PROVIDERS[deployment.kind].speaker == "litellm":
        return (ApartModel if apart else LitellmModel)(deployment, policy=policy)
    return OpenAICompatibleModel(deployment, policy=policy)
