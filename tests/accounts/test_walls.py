# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Two walls: the code refuses unscoped reads, the database refuses everything else."""

import pytest
from django.db import DatabaseError, connection

from accounts.models import Team
from accounts.tenancy import sign_token, tenant
from codexos.kernel.errors import UnscopedRead
from tests.factories import World


def test_a_read_without_an_organization_is_refused(world: World) -> None:
    with tenant(world.acme.id), pytest.raises(UnscopedRead):
        list(Team.objects.all())


def test_inside_one_organization_the_other_is_empty(world: World) -> None:
    with tenant(world.acme.id):
        assert Team.objects.for_organization(world.acme.id).count() == 1
        assert Team.objects.for_organization(world.other.id).count() == 0


def test_a_forged_token_is_refused(world: World) -> None:
    forged = sign_token("tenant", world.acme.id, expires_at=9999999999)[:-1] + "x"
    with pytest.raises(DatabaseError, match="malformed|forged"), tenant(world.other.id), connection.cursor() as cursor:
        cursor.execute("select set_config('app.tenant_token', %s, true)", [forged])
        cursor.execute("select * from accounts_team")
