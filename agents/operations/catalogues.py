# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The operator's catalogue of commands that may be started as tool servers: signed, and shown."""

import json
from collections.abc import Sequence

from django.conf import settings

from agents.adapters.shelves.mcp_client.catalogue import Entry, catalogue, signed
from agents.errors.mcp import CatalogueInvalid


def sign_catalogue(text: str, *, seed: bytes | None = None) -> str:
    """Return the text of a catalogue signed for this installation, or by another key. Raises CatalogueInvalid.

    A signature that stands there already is left out: what is signed is what was read by whoever asks for it.
    """
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CatalogueInvalid(because="it is no JSON") from error
    commands = said.get("commands") if isinstance(said, dict) else None
    if not isinstance(commands, dict):
        raise CatalogueInvalid(because="it is an object with 'commands' by name")
    return signed(commands, seed=settings.MCP_CATALOGUE_SEED if seed is None else seed)


def list_commands() -> Sequence[Entry]:
    """Return the commands that may be started here, by name. Raises CatalogueInvalid."""
    return [entry for _, entry in sorted(catalogue().entries.items())]
