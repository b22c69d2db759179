# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Taking the secrets of an organization out, sealed to a key of their own, and putting them in again elsewhere.

What travels is what a secret is and its values. Shares, rules about tags and schedules stay behind: they are about
people and addresses of one installation, and two that give the same secret new values would work against each other.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import F

from accounts.actor import Actor
from accounts.models import Membership, Organization, Person, Project, Team
from accounts.operations.audit import record_event
from accounts.queries.access import insist_in_organization
from accounts.roles import Permission
from accounts.tenancy import in_organization, stay, tenant
from codexos.kernel import clock
from codexos.kernel.errors import CodexosError
from vault.crypto.bundle import BundleHeader, write_bundle
from vault.engine.oauth import read_oauth_token
from vault.errors import BundleBroken, ImportRefused, SecretsFull, VaultChangedMeanwhile
from vault.models import Origin, Secret, SecretKind, SecretScope, SecretVersion
from vault.operations.keys import HeldKey, key_in_use, open_version
from vault.operations.naming import check_value, clean_key, clean_tags
from vault.operations.secrets import NewValue, append_version, same_in_folder

BATCH = 200
_MANAGE = Permission.MANAGE_ORGANIZATION


@dataclass(frozen=True, slots=True)
class Carried:
    """One value of one secret as it travels; ``value`` is None where it does not open, and ``why`` says so."""

    key: str
    kind: str
    scope: str
    project: str
    team: str
    person: str
    description: str
    tags: list[str]
    former_tags: list[str]
    expires_at: str | None
    number: int
    value: str | None = field(repr=False)
    why: str = ""

    @property
    def name(self) -> str:
        """How people are told which it is."""
        return f"{self.key!r} of {self.project or self.team or self.person or 'the organization'}"

    @property
    def opened(self) -> bytes:
        """The value itself."""
        return base64.b64decode(self.value or "")


@dataclass(slots=True)
class Exported:
    """A file as it is made: its pieces are sealed while they are taken. ``left_out`` are values that do not open."""

    header: BundleHeader
    pieces: Iterator[bytes] = field(repr=False)
    left_out: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Imported:
    """What came of an import."""

    created: int = 0
    new_versions: int = 0
    skipped: int = 0
    left_out: list[str] = field(default_factory=list)


def export_secrets(actor: Actor, *, key: bytes, every_version: bool = False) -> Exported:
    """Return the live secrets of an organization as a file sealed to ``key``; each is audited before it is opened.

    Raises NotAllowed, KeyUnavailable, MasterUnknown; while it is taken, VaultChangedMeanwhile.
    """
    ids, organization = _list_versions(actor, every_version=every_version)
    header = BundleHeader.fresh(organization.slug, count=len(ids), made_at=clock.now().isoformat(timespec="seconds"))
    with tenant(actor.organization_id, durable=True):
        record_event(actor, "vault.exported", about=organization, file=header.file, values=len(ids))
    exported = Exported(header, iter(()))
    exported.pieces = write_bundle(key, header, _records(actor, ids, exported))
    return exported


@in_organization
def _list_versions(actor: Actor, *, every_version: bool) -> tuple[list[UUID], Organization]:
    insist_in_organization(actor, _MANAGE)
    rows = SecretVersion.objects.for_organization(actor.organization_id).filter(secret__destroyed_at=None)
    if not every_version:
        rows = rows.filter(number=F("secret__current_number"))
    ids = list(rows.order_by("secret_id", "number").values_list("pk", flat=True))
    return ids, Organization.objects.get(pk=actor.organization_id)


def _records(actor: Actor, ids: list[UUID], exported: Exported) -> Iterator[bytes]:
    for first in range(0, len(ids), BATCH):
        for version in _audited(actor, ids[first : first + BATCH], file=exported.header.file):
            carried = _carry(version)
            if carried.value is None:
                exported.left_out.append(f"{carried.name}: {carried.why}")
            yield json.dumps(asdict(carried)).encode()


def _audited(actor: Actor, ids: list[UUID], *, file: str) -> Iterable[SecretVersion]:
    with tenant(actor.organization_id, durable=True):
        rows = SecretVersion.objects.for_organization(actor.organization_id).filter(pk__in=ids)
        related = ("secret__project", "secret__team", "secret__person", "vault_key")
        found = {row.pk: row for row in rows.select_related(*related)}
        if len(found) != len(ids):
            raise VaultChangedMeanwhile
        for id_ in ids:
            record_event(actor, "secret.exported", about=found[id_].secret, version=found[id_].number, file=file)
    return [found[id_] for id_ in ids]


def _carry(version: SecretVersion) -> Carried:
    secret, value, why = version.secret, None, ""
    try:
        value = base64.b64encode(open_version(version, key=secret.key)).decode()
    except CodexosError as error:
        # A keeper that is away may be back: then nothing is left out for it.
        if error.retryable:
            raise
        why = error.message
    return Carried(
        key=secret.key,
        kind=secret.kind,
        scope=secret.scope,
        project=secret.project.slug if secret.project else "",
        team=secret.team.slug if secret.team else "",
        person=secret.person.email if secret.person else "",
        description=secret.description,
        tags=secret.tags,
        former_tags=secret.former_tags,
        expires_at=secret.expires_at.isoformat() if secret.expires_at else None,
        number=version.number,
        value=value,
        why=why,
    )


def import_secrets(
    actor: Actor,
    records: Callable[[], Iterator[bytes]],
    *,
    file: str,
    into: Project | None = None,
    skip_existing: bool = False,
) -> Imported:
    """Put the secrets of a file where they lay, or all but the personal ones into one project; all of them or none.

    ``records`` gives them from the beginning, and is asked twice: first everything is looked at. What is there already
    gets a new version, or is skipped. Raises NotAllowed, BundleBroken, ImportRefused, SecretsFull, KeyUnavailable.
    """
    insist_in_organization(actor, _MANAGE)
    folders = _Folders(actor, into)
    problems = [problem for carried in _parsed(records()) if (problem := folders.problem_of(carried))]
    if problems:
        raise ImportRefused(problems)
    held = key_in_use(actor.organization_id)
    with tenant(actor.organization_id, durable=True):
        importing = _Importing(actor, folders, held, skip_existing=skip_existing)
        for number, carried in enumerate(_parsed(records())):
            if number % BATCH == 0:
                # All or none, so it is one transaction, however many there are.
                stay()
            importing.take(carried, file=file)
        importing.check_room()
        organization = Organization.objects.get(pk=actor.organization_id)
        done = importing.done
        told = {"created": done.created, "new_versions": done.new_versions, "skipped": done.skipped}
        record_event(actor, "vault.imported", about=organization, file=file, **told)
    return importing.done


def _parsed(records: Iterator[bytes]) -> Iterator[Carried]:
    for record in records:
        try:
            yield Carried(**json.loads(record))
        except (ValueError, TypeError):
            raise BundleBroken("it holds something else than secrets") from None


class _Folders:
    """Where secrets of a file lie in this organization."""

    def __init__(self, actor: Actor, into: Project | None) -> None:
        self._actor = actor
        self._into = into
        with tenant(actor.organization_id):
            self._projects = {row.slug: row for row in Project.objects.for_organization(actor.organization_id)}
            self._teams = {row.slug: row for row in Team.objects.for_organization(actor.organization_id)}
            members = Membership.objects.for_organization(actor.organization_id).select_related("person")
            self._people: dict[str, Person] = {row.person.email.lower(): row.person for row in members}

    def problem_of(self, carried: Carried) -> str:
        """Return why a secret cannot be imported, "" where it can; one without a value is left out and no problem."""
        if carried.value is None:
            return ""
        try:
            if carried.kind not in SecretKind.values or clean_key(carried.key) != carried.key:
                return f"{carried.name}: it is no secret of this version of CodexOS."
            value = check_value(carried.opened)
            if carried.kind == SecretKind.OAUTH_TOKEN:
                read_oauth_token(value)
            self.lay(carried)
        except CodexosError as error:
            return f"{carried.name}: {error.message}"
        except (ValueError, KeyError):
            return f"{carried.name}: there is no such {carried.scope} here; make it first, or import into a project."
        return ""

    def lay(self, carried: Carried) -> Secret:
        """Return it as a row that is not written yet. Raises KeyError, ValueError."""
        scope = SecretScope(carried.scope)
        if self._into is not None and scope is not SecretScope.PERSONAL:
            scope = SecretScope.PROJECT
        return Secret(
            organization_id=self._actor.organization_id,
            key=carried.key,
            kind=carried.kind,
            scope=scope,
            project=(self._into or self._projects[carried.project]) if scope is SecretScope.PROJECT else None,
            team=self._teams[carried.team] if scope is SecretScope.TEAM else None,
            person=self._people[carried.person.lower()] if scope is SecretScope.PERSONAL else None,
            description=carried.description[:500],
            tags=clean_tags(carried.tags),
            former_tags=clean_tags(carried.former_tags),
            expires_at=datetime.fromisoformat(carried.expires_at) if carried.expires_at else None,
            created_by_id=self._actor.person_id,
        )


class _Importing:
    """An import under way, in its one transaction."""

    def __init__(self, actor: Actor, folders: _Folders, held: HeldKey, *, skip_existing: bool) -> None:
        self.done = Imported()
        self._actor = actor
        self._folders = folders
        self._held = held
        self._skips = skip_existing
        self._at: tuple[object, ...] = ()
        self._secret: Secret | None = None

    def take(self, carried: Carried, *, file: str) -> None:
        """Put one value away; several of one secret come one after the other."""
        if carried.value is None:
            self.done.left_out.append(f"{carried.name}: {carried.why}")
            return
        laid = self._folders.lay(carried)
        at = (laid.scope, laid.project_id, laid.team_id, laid.person_id, laid.key)
        if at != self._at:
            self._at, self._secret = at, self._begin(laid)
        if self._secret is None:
            return
        append_version(self._actor, self._secret, NewValue(carried.opened, Origin.IMPORTED), held=self._held)
        record_event(self._actor, "secret.imported", about=self._secret, version=self._secret.current_number, file=file)

    def check_room(self) -> None:
        """Raise SecretsFull where the organization has more secrets now than it may."""
        if Secret.objects.for_organization(self._actor.organization_id).count() > settings.VAULT_MOST_SECRETS:
            raise SecretsFull(f"An organization keeps {settings.VAULT_MOST_SECRETS:,} secrets. Nothing was imported.")

    def _begin(self, laid: Secret) -> Secret | None:
        found = same_in_folder(laid).select_for_update(of=("self",)).first()
        if found is None:
            laid.save(force_insert=True)
            self.done.created += 1
            return laid
        if self._skips:
            self.done.skipped += 1
            return None
        self.done.new_versions += 1
        return found
