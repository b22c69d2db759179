# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A lively organization for the pictures in the documentation, made through the product's own operations."""

import time
from dataclasses import dataclass
from typing import Any

import psycopg
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from psycopg import sql

from accounts.actor import Actor
from accounts.models import Organization, Person, Project, Team
from accounts.operations.invitations import invite
from accounts.operations.members import admit
from accounts.operations.organizations import found_organization
from accounts.operations.projects import change_project, create_project
from accounts.operations.sign_ins import note_sign_in
from accounts.operations.teams import change_team, create_team
from accounts.operations.tokens import issue_token
from accounts.queries.grants import load_actor
from accounts.roles import Role, TokenScope
from accounts.tenancy import tenant
from agents.operations.flows import create_flow
from agents.operations.runs import RunRequest, start_run
from agents.operations.versions import publish_flow
from agents.queries.runs import access_run
from rag.operations.files import store_file
from tests.factories import make_person

PEOPLE = (
    ("lena", "Lena Fischer", Role.TEAM_LEAD, ("payments", "platform"), "app"),
    ("deniz", "Deniz Aydin", Role.DEVELOPER, ("payments",), "key"),
    ("priya", "Priya Raman", Role.DEVELOPER, ("payments",), "app"),
    ("jonas", "Jonas Weber", Role.DEVELOPER, ("platform",), None),
    ("mei", "Mei Tanaka", Role.TEAM_LEAD, ("platform",), "key"),
    ("vera", "Vera Moreau", Role.VIEWER, ("payments",), "app"),
)
HANDBOOK = """# Release handbook

## When we release
Releases go out on Tuesdays and Thursdays before noon. Nothing is released on the day before a holiday.

## Who approves
Every release needs the yes of one team lead and a green run of the security scan.

## When something breaks
Roll back first, then look for the cause. The person on call writes to the status page within fifteen minutes.
"""
ROLLBACK = """# Rolling back

Choose the last green build and deploy it. Migrations are written so that the build before them still runs.
A rollback takes about four minutes. Tell the channel of the release before and after.
"""
FILES = {
    "handbook.md": HANDBOOK,
    "runbooks/rollback.md": ROLLBACK,
    "runbooks/on-call.md": "# On call\n\nThe week changes hands on Mondays at 10:00.\n",
    "reports/2026-10.csv": "week,releases,rolled back\n40,2,0\n41,2,1\n42,1,0\n43,2,0\n",
    "openapi.json": '{"openapi": "3.1.0", "info": {"title": "Payments", "version": "4.2"}}\n',
    "CHANGELOG.md": "# Changes\n\n## 4.2\n\n- Refunds are booked on the day they are asked for.\n",
    "glossary.md": "# Glossary\n\nCapture: taking the money that was authorized.\n",
}


# What else has to move with the moment a row was made.
MOMENTS = {
    "agents_run": ("started_at", "completed_at"),
    "rag_file": ("updated_at",),
    "accounts_membership": ("last_active_at",),
}


@dataclass(frozen=True)
class Lively:
    """What the pictures are taken of."""

    run: str
    token: str


def chain(name: str, *steps: tuple[str, str], schema: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a flow of steps one after another: names with a model, or with a tool where it begins with a capital."""
    names = [step for step, _ in steps]
    entry = {"id": "start", "type": "entry", "next": names[0], **({"schema": schema} if schema else {})}
    made = [
        {"id": step, "next": following, **({"type": "tool", "tool": by} if by[0].isupper() else _model(by))}
        for (step, by), following in zip(steps, [*names[1:], "end"], strict=True)
    ]
    return {"id": name.lower().replace(" ", "-"), "name": name, "nodes": [entry, *made, {"id": "end", "type": "exit"}]}


def _model(name: str) -> dict[str, str]:
    return {"type": "llm", "model": name}


FLOWS = (
    chain("Ask the handbook", ("plan", "gpt-4"), ("search", "WebSearch"), ("answer", "claude-3-opus")),
    chain("Release notes", ("collect", "WebSearch"), ("draft", "claude-3-opus"), ("shorten", "gpt-4")),
    chain("Incident digest", ("read", "WebSearch"), ("digest", "gpt-4")),
    chain(
        "Ticket triage",
        ("sort", "gpt-4"),
        ("reply", "claude-3-opus"),
        schema={"type": "object", "required": ["ticket"]},
    ),
)
QUESTIONS = (
    (0, "Who approves a release?", ("handbook.md",)),
    (1, "Summarize what changed in 4.2.", ("CHANGELOG.md",)),
    (3, "The card was charged twice.", ()),
    (2, "Summarize what the person on call must do.", ("runbooks/on-call.md", "handbook.md")),
    (0, "How long does a rollback take?", ("runbooks/rollback.md",)),
    (1, "List the changes since spring.", ("CHANGELOG.md", "openapi.json")),
    (0, "Which days do we release on?", ("handbook.md",)),
    (2, "Summarize the rollback of week 41.", ("reports/2026-10.csv", "runbooks/rollback.md")),
    (3, "Refund asked for order 1043.", ()),
    (1, "Write notes for 4.2.", ("CHANGELOG.md",)),
    (0, "When something breaks, what should we do first, and who tells the status page?", ("handbook.md",)),
)


def make_lively() -> Lively:
    """Make Harbourline: people, teams, projects, files, flows and runs. A flow worker must be at work."""
    ada = make_person("ada@harbourline.example", name="Ada Lindqvist")
    organization = found_organization(ada, name="Harbourline")
    _guard(ada, "key")
    admin = _actor(ada, organization)
    with tenant(organization.id):
        team = Team.objects.for_organization(organization.id).get()
        project = Project.objects.for_organization(organization.id).get()
    teams = {
        "payments": change_team(admin, team.pk, name="Payments", slug="payments"),
        "platform": create_team(admin, name="Platform", slug="platform"),
    }
    project = change_project(admin, project.pk, name="payments-api", slug="payments-api")
    create_project(admin, team=teams["platform"].pk, name="ledger-web")
    actors = {name: _join(name, organization, teams, entry) for name, *entry in PEOPLE}
    for number, (path, text) in enumerate(FILES.items()):
        store_file(list(actors.values())[number % 3], project.id, path=path, chunks=[text.encode()])
    run = _run_everything(actors, project)
    token = _issue_tokens(admin, actors)
    for name in ("ada", "vera", "priya", "deniz", "lena", "mei"):
        note_sign_in(Person.objects.get(email=f"{name}@harbourline.example"), method="password")
    store_file(actors["lena"], project.id, path="handbook.md", chunks=[f"{HANDBOOK}\nKept by Payments.\n".encode()])
    invite(admin, email="omar@harbourline.example", role=Role.DEVELOPER, teams=[teams["platform"].pk])
    return Lively(run, token)


def spread_over_days(truth: psycopg.Connection) -> None:
    """Let what was made in seconds look as if it had taken days: the one thing no operation does."""
    for table in ("agents_run", "rag_file", "rag_fileversion", "accounts_auditevent", "accounts_membership"):
        statement = """
            with placed as (
                select id, now() - interval '1 minute' - interval '4 days' * power(
                    (row_number() over (order by id desc) - 1)::float / count(*) over (), 1.7) - created_at as moved
                from {table})
            update {table} set {changes} from placed where placed.id = {table}.id"""
        moments = [
            "created_at",
            *MOMENTS.get(table, ()),
        ]
        changes = sql.SQL(", ").join(sql.SQL("{0} = {0} + moved").format(sql.Identifier(name)) for name in moments)
        truth.execute("set session_replication_role = replica")
        truth.execute(sql.SQL(statement).format(table=sql.Identifier(table), changes=changes))
        truth.execute("set session_replication_role = origin")


def _run_everything(actors: dict[str, Actor], project: Project) -> str:
    flows = [create_flow(actors["lena"], project=project, document=flow, is_team_template=True) for flow in FLOWS]
    for flow in flows:
        publish_flow(actors["lena"], flow=str(flow.id))
    askers = [actors[name] for name in ("deniz", "lena", "priya")]
    started = []
    for number, (flow, question, files) in enumerate(QUESTIONS):
        wanted = RunRequest(agent_id=str(flows[flow].id), input=question, context=files, project=str(project.id))
        started.append(start_run(askers[number % len(askers)], request=wanted))
        time.sleep(0.2)  # side by side they would share the worker, and each would look slow
    while any(not access_run(actors["lena"], str(run.id)).completed_at for run in started):
        time.sleep(0.1)
    return str(started[-1].id)


def _issue_tokens(admin: Actor, actors: dict[str, Actor]) -> str:
    issue_token(admin, name="Nightly backup", scopes=[TokenScope.READ])
    issue_token(admin, name="Release pipeline", scopes=[TokenScope.RUN, TokenScope.WRITE])
    issue_token(actors["deniz"], name="Laptop", scopes=[TokenScope.READ, TokenScope.RUN])
    return issue_token(actors["mei"], name="Status board", scopes=[TokenScope.READ]).value


def _join(name: str, organization: Organization, teams: dict[str, Team], entry: list[Any]) -> Actor:
    full_name, role, places, factor = entry
    person = make_person(f"{name}@harbourline.example", name=full_name)
    admit(person, organization_id=organization.id, role=role, team_ids=[teams[place].pk for place in places])
    _guard(person, factor)
    return _actor(person, organization)


def _guard(person: Any, factor: str | None) -> None:
    if factor == "app":
        TOTP.activate(person, generate_totp_secret())
    elif factor == "key":
        data = {"name": "Laptop", "passwordless": True, "credential": {}}
        Authenticator.objects.create(user=person, type=Authenticator.Type.WEBAUTHN, data=data)


def _actor(person: Any, organization: Organization) -> Actor:
    actor = load_actor(person, organization_id=organization.id)
    assert actor is not None
    return actor
