# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A transaction may last longer than the token that its organization's rows are seen by."""

import time

import pytest

from accounts.tenancy import sign_token, stay, tenant
from codexos.kernel.errors import UnscopedRead
from tests.accounts.test_walls import raw_teams, set_token
from tests.factories import World


def test_a_transaction_may_stay_longer_than_its_token(world: World) -> None:
    with tenant(world.acme.id):
        set_token(sign_token("tenant", world.acme.id, expires_at=int(time.time()) - 1))
        stay()
        assert raw_teams() == {str(world.acme.id)}
    with pytest.raises(UnscopedRead):
        stay()
