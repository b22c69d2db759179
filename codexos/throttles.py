# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How often one actor may call."""

from rest_framework.throttling import BaseThrottle


class ActorThrottle(BaseThrottle):
    """Counts calls per token, person or address."""

    def allow_request(self, _request: object, _view: object) -> bool:
        """Let everything through while throttles are off."""
        return True
