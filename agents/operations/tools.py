# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Saying which tools flows may call. An operation rather than a query, because the tools stand outside the database."""

from accounts.actor import Actor
from agents.adapters.toolbox import BUILT_IN_NAMES, BuiltInToolbox, Offer
from agents.adapters.tools.room import ToolRoom


def list_tools(_actor: Actor) -> list[Offer]:
    """Return the tools of this installation, by name; the same for everybody."""
    return BuiltInToolbox(ToolRoom()).offers()


def known_tools() -> frozenset[str]:
    """Return the names a flow's tool node may say."""
    return BUILT_IN_NAMES
