# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What only uploads and downloads know, by the statuses that HTTP has for it; docs/errors.md reads it, too."""

from collections.abc import Mapping

from codexos.kernel.errors import CodexosError
from rag.api.bodies import LengthRequired
from rag.api.downloads import RangeNotSatisfiable
from rag.errors import FileTooLarge

STATUSES: Mapping[type[CodexosError], int] = {FileTooLarge: 413, LengthRequired: 411, RangeNotSatisfiable: 416}
