# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Which adapter speaks to a deployment."""

from codexos.kernel.chat import ChatModel
from codexos.kernel.http import EgressPolicy
from llm.adapters.openai_compatible import OpenAICompatibleModel
from llm.queries.deployments import Deployment


def open_adapter(deployment: Deployment, *, policy: EgressPolicy) -> ChatModel:
    """Return the adapter for a deployment's kind; it may go where ``policy`` allows and nowhere else."""
    return OpenAICompatibleModel(deployment, policy=policy)
