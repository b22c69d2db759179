# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Showing Bedrock a key: a signature with an access key, or an API key as it is."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from codexos.kernel import clock
from codexos.kernel.sigv4 import Credentials, Scope, signed_headers
from llm.queries.deployments import Deployment


def headers_for(deployment: Deployment, path: str, *, content: bytes, accept: str) -> Mapping[str, str]:
    """Return the headers of a POST. An API key belongs to no access key ID, and is shown as it is."""
    headers = {"Content-Type": "application/json", "Accept": accept}
    options, key = deployment.options, deployment.key
    if not options.get("access_key_id"):
        return headers | {"Authorization": f"Bearer {key}"}
    address = urlsplit(deployment.base_url)
    return signed_headers(
        Credentials(options["access_key_id"], key),
        Scope(options.get("region", ""), "bedrock", f"{address.path}{path}"),
        host=address.netloc,
        headers=headers,
        body=content,
        at=clock.now(),
    )
