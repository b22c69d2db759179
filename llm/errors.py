# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can go wrong with models."""

from codexos.kernel.errors import Unavailable


class ModelUnavailable(Unavailable):
    """The model did not answer; another attempt may."""
