# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What providers, deployments and routes may be called."""

import re

from accounts.operations.names import clean_name
from codexos.kernel.ids import parse_id
from llm.engine.catalog import OFFLINE
from llm.errors import ModelInvalid
from llm.models.providers import NAME_LENGTH

# What providers call their models, and people their routes: no blank, nothing that a template would take for its own.
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._:/@+-]{0,98}[A-Za-z0-9])?")
MODEL_LENGTH = 200


def clean_label(text: str) -> str:
    """Return what people call a provider. Raises NameInvalid."""
    return clean_name(text, at_most=NAME_LENGTH)


def clean_model_name(text: str) -> str:
    """Return a name by which flows know a route or a deployment. Raises ModelInvalid."""
    name = text.strip()
    if not _NAME.fullmatch(name) or parse_id(name) is not None:
        raise ModelInvalid(
            f"{name[:100]!r} is no name for flows to give as their model. It has 1 to {NAME_LENGTH} letters, digits, "
            "and . _ : / @ + - between.",
            place="name",
        )
    if name == OFFLINE:
        raise ModelInvalid("'offline' is always the built-in model. Choose another name.", place="name")
    return name


def clean_model(text: str) -> str:
    """Return a model's name as its provider knows it. Raises ModelInvalid."""
    name = text.strip()
    if not name or len(name) > MODEL_LENGTH or not name.isprintable() or " " in name:
        raise ModelInvalid("Say the model as its provider calls it, such as gpt-4o or llama3:8b.", place="model")
    return name
