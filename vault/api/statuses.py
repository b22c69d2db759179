# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What only secrets know, by the statuses that HTTP has for it; docs/errors.md reads it, too."""

from collections.abc import Mapping

from codexos.kernel.errors import CodexosError
from vault.errors import SecretTooLarge

STATUSES: Mapping[type[CodexosError], int] = {SecretTooLarge: 413}
