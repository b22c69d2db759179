# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``python -m cli``."""

import sys

from .main import main

sys.exit(main())
