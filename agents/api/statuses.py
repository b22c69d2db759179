# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What only webhooks know, by the statuses that HTTP has for it; docs/errors.md reads it, too."""

from collections.abc import Mapping

from agents.errors import HookTooLarge
from codexos.kernel.errors import CodexosError

STATUSES: Mapping[type[CodexosError], int] = {HookTooLarge: 413}
