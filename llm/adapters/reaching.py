# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Whether a deployment may be reached at all, told without sending anything."""

import asyncio
import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

from codexos.kernel.egress import EgressPolicy, EgressRefused
from llm.queries.deployments import Deployment


async def insist_reachable(deployment: Deployment, policy: EgressPolicy) -> None:
    """Raise EgressRefused where the policy lets nobody ask there; an address that is not found says nothing."""
    host, port = deployment.host_and_port
    policy.check_target(urlsplit(deployment.base_url).scheme, host, port=port)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return
    for *_, place in found:
        because = policy.reason_against(ip_address(str(place[0]).partition("%")[0]), port, host=host)
        if because is not None:
            raise EgressRefused(host=host, because=because)
