# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What rules ask of a call: its hosts and secrets read out of its capabilities; and on whose behalf it is made."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from agents.engine.gate import ProposedCall

EGRESS = "egress:"
SECRET = "secret:"  # noqa: S105 - how a capability begins


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf a run calls tools: the role of its person, and where it stands. Names and ids fit alike."""

    role: str = ""
    project: str = ""
    project_id: str = ""
    team: str = ""
    team_id: str = ""


class Facts(NamedTuple):
    """A call as rules look at it."""

    call: ProposedCall
    capabilities: Sequence[str]
    hosts: Sequence[str]
    secrets: Sequence[str]
    labels: Sequence[str]


def facts_of(call: ProposedCall) -> Facts:
    """Read a call: upper and lower case are told apart in none of its words."""
    capabilities = [each.casefold() for each in call.capabilities]
    hosts, secrets = [], [each.casefold() for each in call.secrets]
    for capability in capabilities:
        if capability.startswith(EGRESS):
            hosts.append(capability[7:])
        elif capability == "egress":
            hosts.append("*")
        elif capability.startswith(SECRET):
            secrets.append(capability[7:])
    return Facts(call, capabilities, hosts, secrets, [each.casefold() for each in call.labels])
