# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Makes the two demo organizations of an embedded installation and writes their sign-ins to demo.json."""

import json
import os
import secrets
from collections.abc import Iterable
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.actor import Actor
from accounts.models import Organization, Person, Project
from accounts.operations.members import admit
from accounts.operations.organizations import found_organization
from accounts.operations.tokens import issue_token
from accounts.queries.grants import load_actor
from accounts.roles import Role
from accounts.tenancy import tenant
from agents.operations.flows import create_flow
from agents.operations.versions import publish_flow
from codexos.kernel.jsontypes import JsonObject
from rag.operations.files import store_file
from rag.operations.knowledge_bases import BaseEdit, create_knowledge_base

DEMO = (
    (
        "Harbourline",
        (
            ("admin@harbourline.example", "Ada Lindqvist", Role.ORG_ADMIN),
            ("system@harbourline.example", "Sam Okafor", Role.SYSTEM_ADMIN),
            ("lead@harbourline.example", "Lena Fischer", Role.TEAM_LEAD),
            ("dev@harbourline.example", "Deniz Aydin", Role.DEVELOPER),
            ("viewer@harbourline.example", "Vera Moreau", Role.VIEWER),
        ),
    ),
    (
        "Northgate",
        (
            ("admin@northgate.example", "Noor Haddad", Role.ORG_ADMIN),
            ("dev@northgate.example", "Nils Berg", Role.DEVELOPER),
        ),
    ),
)


SAMPLE_FLOW: JsonObject = {
    "id": "agent-1",
    "name": "Plan, search, summarize",
    "nodes": [
        {"id": "start", "type": "entry", "next": "planner"},
        {"id": "planner", "type": "llm", "model": "gpt-4", "next": "tool_selector"},
        {"id": "tool_selector", "type": "tool", "tool": "WebSearch", "next": "summarizer"},
        {"id": "summarizer", "type": "llm", "model": "claude-3-opus", "next": "end"},
        {"id": "end", "type": "exit"},
    ],
}

SAMPLE_TEXT = """# Release handbook

## When we release
Releases go out on Tuesdays and Thursdays before noon. Nothing is released on the day before a holiday.

## Who approves
Every release needs the yes of one team lead and a green run of the security scan.

## When something breaks
Roll back first, then look for the cause. The person on call writes to the status page within fifteen minutes.
"""


class Command(BaseCommand):
    """bin/manage seed_demo"""

    help = "Seed the demo organizations of an embedded installation. Does nothing where demo.json exists."

    def handle(self, *_args: Any, **_options: Any) -> None:
        if not settings.CODEXOS_EMBEDDED:
            raise CommandError("Demo sign-ins exist only in the embedded mode, which bin/up sets.")
        path = settings.CODEXOS_HOME / "demo.json"
        if path.exists():
            return
        demo = {"url": settings.CODEXOS_URL, "organizations": [_seed(name, people) for name, people in DEMO]}
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(demo, file, indent=2)
        self.stdout.write(f"Seeded two demo organizations; sign-ins are in {path}.")


def _furnish(actor: Actor, project: Project) -> None:
    """Give a project the sample flow, published as a team template, and a text that its knowledge is asked about."""
    flow = create_flow(actor, project=project, document=SAMPLE_FLOW, is_team_template=True)
    publish_flow(actor, flow=str(flow.id))
    store_file(actor, project.id, path="handbook.md", chunks=[SAMPLE_TEXT.encode()])
    edit = BaseEdit(name="Project files", description="What the files of this project say.")
    create_knowledge_base(actor, project.id, edit, sources=[{"type": "files"}])


def _seed(name: str, people: Iterable[tuple[str, str, Role]]) -> JsonObject:
    (email, full_name, role), *others = people
    founder, password = _person(email, full_name, role=role)
    organization = found_organization(founder, name=name)
    with tenant(organization.id):
        project = Project.objects.for_organization(organization.id).get()
    _furnish(_actor(founder, organization), project)
    seeded = [_sign_in(founder, password, role=role, organization=organization)]
    for email, full_name, role in others:
        person, password = _person(email, full_name, role=role)
        member_role = Role.ORG_ADMIN if role is Role.SYSTEM_ADMIN else role
        admit(person, organization_id=organization.id, role=member_role, team_ids=[project.team_id])
        seeded.append(_sign_in(person, password, role=role, organization=organization))
    return {
        "slug": organization.slug,
        "project": {"id": str(project.id), "slug": project.slug},
        "people": seeded,
    }


def _person(email: str, name: str, *, role: Role) -> tuple[Person, str]:
    password = secrets.token_urlsafe(12)
    person = Person.objects.create_user(email, password, name=name, is_system_admin=role is Role.SYSTEM_ADMIN)
    EmailAddress.objects.create(user=person, email=email, verified=True, primary=True)
    return person, password


def _sign_in(person: Person, password: str, *, role: Role, organization: Organization) -> JsonObject:
    token = issue_token(_actor(person, organization), name="Demo").value
    return {"email": person.email, "password": password, "role": role.value, "token": token}


def _actor(person: Person, organization: Organization) -> Actor:
    actor = load_actor(person, organization_id=organization.id)
    if actor is None:
        raise CommandError(f"{person.email} did not become a member of {organization.slug}.")
    return actor
