# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The worker of `bin/bench vault`. Lines: ``make N`` secrets, ``rotate`` their key, ``rewrap`` them, ``open`` some."""

import json
import os
import sys
import time
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codexos.settings")
django.setup()

from accounts.models import Organization, Person  # noqa: E402 (what follows needs Django)
from accounts.operations.organizations import found_organization  # noqa: E402
from accounts.queries.lookups import list_organization_ids  # noqa: E402
from accounts.tenancy import tenant  # noqa: E402
from codexos.local.terminal import say  # noqa: E402
from vault.crypto.envelope import Envelope, Place, open_value, seal_value  # noqa: E402
from vault.models import Origin, Secret, SecretScope, SecretVersion  # noqa: E402
from vault.operations.key_rotation import rotate_organization_key  # noqa: E402
from vault.operations.keys import HeldKey, key_in_use, open_key  # noqa: E402
from vault.operations.operators import operator_of  # noqa: E402
from vault.workers.rewrap import rewrap_versions  # noqa: E402

VALUE_BYTES = 1024
BATCH = 2000
SAMPLE = 200


def main() -> None:
    """Do as the lines say until there are none."""
    for line in sys.stdin:
        word, _, count = line.strip().partition(" ")
        match word:
            case "make":
                _make(int(count))
                say(json.dumps({}))
            case "rotate":
                rotate_organization_key(operator_of(_organization()))
                say(json.dumps({}))
            case "rewrap":
                began = time.process_time()
                while not rewrap_versions(_organization()):
                    pass
                say(json.dumps({"cpu": time.process_time() - began}))
            case "open":
                say(json.dumps({"opened": _open_some()}))


def _make(count: int) -> None:
    person = Person.objects.create_user("bench@codexos.example")
    organization = found_organization(person, name="Bench", slug="bench")
    held = key_in_use(organization.pk)
    for first in range(0, count, BATCH):
        _insert(organization, person, held=held, numbers=range(first, min(first + BATCH, count)))


def _insert(organization: Organization, person: Person, *, held: HeldKey, numbers: range) -> None:
    with tenant(organization.pk):
        secrets = Secret.objects.bulk_create(
            Secret(
                organization=organization,
                key=f"key-{number}",
                scope=SecretScope.ORGANIZATION,
                created_by=person,
                current_number=1,
            )
            for number in numbers
        )
        SecretVersion.objects.bulk_create(_version(secret, held) for secret in secrets)


def _version(secret: Secret, held: HeldKey) -> SecretVersion:
    place = Place(secret.organization_id, secret.pk, 1)
    envelope = seal_value(held.key, _value(secret), place=place)
    return SecretVersion(
        organization_id=secret.organization_id,
        secret=secret,
        number=1,
        vault_key_id=held.row_id,
        wrapped_key=envelope.wrapped_key,
        sealed=envelope.sealed,
        size=VALUE_BYTES,
        origin=Origin.PUT,
        created_by="bench",
    )


def _value(secret: Secret) -> bytes:
    return secret.key.encode().ljust(VALUE_BYTES, b".")


def _open_some() -> int:
    """Return how many of the sample have the value that was put, 0 where one has not."""
    with tenant(_organization()):
        versions = SecretVersion.objects.for_organization(_organization()).select_related("secret", "vault_key")
        sample = list(versions.order_by("sealed")[:SAMPLE])
    return len(sample) if all(_opened(version) == _value(version.secret) for version in sample) else 0


def _opened(version: SecretVersion) -> bytes:
    key = open_key(version.vault_key, needed_for=version.secret.key)
    envelope = Envelope(key.version, bytes(version.wrapped_key), bytes(version.sealed))
    return open_value(key, envelope, place=Place(version.organization_id, version.secret_id, version.number))


def _organization() -> UUID:
    (organization_id,) = (one for one in list_organization_ids() if _slug(one) == "bench")
    return organization_id


def _slug(organization_id: UUID) -> str:
    with tenant(organization_id):
        return Organization.objects.get(pk=organization_id).slug


if __name__ == "__main__":
    main()
