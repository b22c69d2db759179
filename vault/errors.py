# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can go wrong with secrets and their keys."""

from codexos.kernel.errors import Broken, Unavailable


class KeyUnavailable(Unavailable):
    """The key that opens secrets cannot be had now: they stay shut until it can."""

    def __init__(self, *, master: str, because: str) -> None:
        super().__init__(
            f"The master key {master!r} cannot be used: {because}. Secrets stay shut until it can; nothing is lost.",
            master=master,
        )


class MasterUnknown(Broken):
    """Something was sealed under a master key this installation does not have."""

    def __init__(self, *, master: str) -> None:
        super().__init__(
            f"Secrets are sealed under the master key {master!r}, which is not among the keys given. Give it back.",
            master=master,
        )
