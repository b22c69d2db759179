# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who leaves an organization leaves nothing of their own behind that anybody reads."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import AuditEvent
from accounts.tenancy import tenant
from accounts.workers import outbox
from codexos.kernel import clock
from tests.factories import World
from tests.vault.test_rotation import FIRST, leave, put, told
from vault.models import Secret, SecretScope
from vault.operations.rotation import attend_due_secrets
from vault.operations.secrets import Folder, put_secret
from vault.operations.values import read_secret


def test_what_is_personal_goes_with_its_person(world: World, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    own = put(world.dev, world, scope=SecretScope.PERSONAL)
    teams = put_secret(world.dev.actor, "of-the-team", FIRST, folder=Folder(project=world.project))
    others = put_secret(world.lead.actor, "deploy", FIRST, folder=Folder(SecretScope.PERSONAL))
    leave(world)
    for _ in range(2):
        outbox.deliver(world.acme.pk)
    with tenant(world.acme.pk):
        destroyed = Secret.objects.for_organization(world.acme.pk).exclude(destroyed_at=None)
        assert [row.pk for row in destroyed] == [own.pk]
        (left,) = AuditEvent.objects.for_organization(world.acme.pk).filter(action="vault.member_left")
    assert (left.details["put_away"], left.details["person"]) == (1, str(world.dev.person.pk))
    assert read_secret(world.lead.actor, teams.pk).value == read_secret(world.lead.actor, others.pk).value == FIRST
    then = clock.now() + timedelta(days=settings.VAULT_RESTORE_DAYS, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: then)
    assert attend_due_secrets() == 1
    assert told(world, "secret.gone") == 1
