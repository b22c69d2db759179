# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can go wrong while knowledge is searched."""

from codexos.kernel.errors import Unavailable


class RerankerUnavailable(Unavailable):
    """The reranker did not answer. What was found is told all the same, in the order in which it was found."""

    def __init__(self, *, because: str) -> None:
        super().__init__(f"The reranker could not be asked: {because}.")
