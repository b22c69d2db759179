# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""People and organizations for tests, made through the product's own operations."""

import time
from dataclasses import dataclass
from typing import Any

from allauth.account.internal.userkit import user_id_to_str
from allauth.account.models import EmailAddress
from django.test import Client
from rest_framework.test import APIClient

from accounts.actor import Actor
from accounts.models import Organization, Person, Project, Team
from accounts.operations.members import admit
from accounts.operations.organizations import found_organization
from accounts.operations.tokens import issue_token
from accounts.queries.grants import load_actor
from accounts.roles import Role
from accounts.tenancy import tenant
from tests.casting import Mold

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Someone:
    """A person, as whom they act, and a token of theirs."""

    person: Person
    actor: Actor
    token: str


@dataclass(frozen=True)
class World:
    """Acme with its five roles; Other with a stranger who runs it."""

    acme: Organization
    team: Team
    project: Project
    system_admin: Someone
    admin: Someone
    lead: Someone
    dev: Someone
    viewer: Someone
    other: Organization
    other_team: Team
    other_project: Project
    stranger: Someone

    @property
    def members(self) -> dict[Role, Someone]:
        """Acme's people by role."""
        return {
            Role.SYSTEM_ADMIN: self.system_admin,
            Role.ORG_ADMIN: self.admin,
            Role.TEAM_LEAD: self.lead,
            Role.DEVELOPER: self.dev,
            Role.VIEWER: self.viewer,
        }


def make_person(email: str, **fields: Any) -> Person:
    """Make a person with a verified address. The password is set for those who sign in by it."""
    person = Person.objects.create_user(email, fields.pop("password", None), **fields)
    EmailAddress.objects.create(user=person, email=email, verified=True, primary=True)
    return person


_molds: list[Mold[World]] = []


def make_world() -> World:
    """Make both organizations."""
    if _molds:
        return _molds[0].cast()
    _molds.append(Mold(_first_world, organizations_of=lambda world: [world.acme.id, world.other.id]))
    return _molds[0].first


def _first_world() -> World:
    admin = make_person("admin@acme.example", name="Alice Admin")
    acme = found_organization(admin, name="Acme", slug="acme")
    with tenant(acme.id):
        team, project = Team.objects.for_organization(acme.id).get(), Project.objects.for_organization(acme.id).get()
    people = {
        name: make_person(f"{name}@acme.example", name=name.title(), is_system_admin=name == "system")
        for name in ("system", "lead", "dev", "viewer")
    }
    roles = {"system": Role.ORG_ADMIN, "lead": Role.TEAM_LEAD, "dev": Role.DEVELOPER, "viewer": Role.VIEWER}
    for name, person in people.items():
        admit(person, organization_id=acme.id, role=roles[name], team_ids=[team.id])
    stranger = make_person("mallory@other.example", name="Mallory Stranger")
    other = found_organization(stranger, name="Other", slug="other")
    with tenant(other.id):
        other_team = Team.objects.for_organization(other.id).get()
        other_project = Project.objects.for_organization(other.id).get()
    return World(
        acme=acme,
        team=team,
        project=project,
        admin=someone(admin, acme),
        system_admin=someone(people["system"], acme),
        lead=someone(people["lead"], acme),
        dev=someone(people["dev"], acme),
        viewer=someone(people["viewer"], acme),
        other=other,
        other_team=other_team,
        other_project=other_project,
        stranger=someone(stranger, other),
    )


def someone(person: Person, organization: Organization) -> Someone:
    """Return a person with their actor and a fresh token."""
    actor = load_actor(person, organization_id=organization.id)
    assert actor is not None
    return Someone(person, actor, issue_token(actor, name="test").value)


def client_for(who: Someone | str | None = None) -> APIClient:
    """Return an API client that signs in with the token of somebody, with a token, or not at all."""
    client = APIClient(raise_request_exception=False)
    token = who.token if isinstance(who, Someone) else who
    if token:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def sign_in(client: Client, person: Person, *, seconds_ago: float = 0) -> None:
    """Sign a client in with a session, as if by the password so long ago."""
    client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    session = client.session
    session["account_authentication_methods_user"] = user_id_to_str(person)
    session["account_authentication_methods"] = [{"method": "password", "at": time.time() - seconds_ago}]
    session.save()
