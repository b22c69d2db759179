# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The gate that the vault's requests to addresses of its people leave through."""

from django.conf import settings

from codexos.kernel.http import EgressPolicy, parse_egress_allow


def egress_policy() -> EgressPolicy:
    """Return what this installation lets through; what carries secrets goes over TLS."""
    return EgressPolicy(
        allow=parse_egress_allow(settings.EGRESS_ALLOW), local_only=settings.EGRESS_LOCAL_ONLY, sealed_only=True
    )
