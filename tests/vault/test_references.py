# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What names a secret is known before it is destroyed."""

import pytest

from codexos.kernel.ids import new_id
from tests.factories import World
from vault.errors import SecretInUse
from vault.models import SecretScope
from vault.operations.references import forget_references, note_references
from vault.operations.secrets import Folder, destroy_secret, put_secret
from vault.queries.secrets import access_secret, list_uses

FLOW = new_id()


def names(world: World, *keys: str, label: str = "Nightly report") -> None:
    note_references(world.project, about_kind="flow", about_id=FLOW, about_label=label, keys=keys)


def uses(world: World, key: str) -> list[str]:
    return [use.about_label for use in list_uses(world.dev.actor, access_secret(world.dev.actor, key))]


def test_a_thing_names_what_it_named_last(world: World) -> None:
    for key in ("github", "jira"):
        put_secret(world.dev.actor, key, b"a value", folder=Folder(project=world.project))
    names(world, "github", "not there yet", "x" * 5000)
    assert (uses(world, "github"), uses(world, "jira")) == (["Nightly report"], [])
    names(world, "github", "jira", label="Nightly")
    assert (uses(world, "github"), uses(world, "jira")) == (["Nightly"], ["Nightly"])
    names(world, "jira", label="Nightly")
    assert (uses(world, "github"), uses(world, "jira")) == ([], ["Nightly"])
    forget_references(world.acme.pk, about_kind="flow", about_id=FLOW)
    assert uses(world, "jira") == []


def test_a_secret_that_is_named_is_destroyed_only_knowingly(world: World) -> None:
    put_secret(world.dev.actor, "github", b"a value", folder=Folder(project=world.project))
    names(world, "github")
    with pytest.raises(SecretInUse, match="used by Nightly report") as refused:
        destroy_secret(world.dev.actor, "github")
    assert refused.value.details["used_by"] == ["Nightly report"]
    assert destroy_secret(world.dev.actor, "github", even_if_used=True).is_destroyed


def test_a_name_in_another_project_or_organization_does_not_hold_it(world: World) -> None:
    put_secret(world.admin.actor, "github", b"a value", folder=Folder(SecretScope.ORGANIZATION))
    note_references(world.other_project, about_kind="flow", about_id=new_id(), about_label="Theirs", keys=["github"])
    assert uses(world, "github") == []
    names(world, "github")
    assert uses(world, "github") == ["Nightly report"]
