# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The operator says who runs the platform; nobody else can."""

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEvent
from accounts.queries.grants import load_actor
from accounts.roles import Role
from accounts.tenancy import tenant
from tests.factories import World


def test_a_person_is_made_system_admin_and_the_trail_tells(world: World) -> None:
    call_command("system_admin", "add", "DEV@acme.example")
    world.dev.person.refresh_from_db()
    actor = load_actor(world.dev.person, organization_id=world.acme.id)
    assert actor is not None
    assert actor.role is Role.SYSTEM_ADMIN
    with tenant(world.acme.id):
        assert AuditEvent.objects.for_organization(world.acme.id).filter(action="person.made_system_admin").exists()


def test_it_can_be_ended(world: World) -> None:
    call_command("system_admin", "remove", "system@acme.example")
    world.system_admin.person.refresh_from_db()
    assert not world.system_admin.person.is_system_admin


def test_a_stranger_to_the_platform_is_named(world: World) -> None:
    with pytest.raises(CommandError, match="Nobody has signed up"):
        call_command("system_admin", "add", "nobody@acme.example")
