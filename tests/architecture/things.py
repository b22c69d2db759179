# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""One of everything in an organization, by the names that routes use for it."""

from decimal import Decimal
from typing import NamedTuple

from accounts.models import AuditEvent, Membership, Organization, Project, Team
from accounts.operations.invitations import invite
from accounts.operations.tokens import issue_token
from accounts.roles import Role
from accounts.tenancy import tenant
from agents.models import MemoryEntry
from agents.operations.flows import create_flow
from agents.operations.policies import save_policy_draft, switch_on_policy
from agents.operations.runs import RunRequest, start_run
from agents.operations.tool_servers import ToolServerEdit, create_tool_server
from agents.operations.trigger_edits import TriggerEdit
from agents.operations.triggers import create_trigger
from agents.operations.versions import publish_flow
from codexos.kernel.ids import new_id
from llm.operations.budgets import BudgetRequest, create_budget
from llm.operations.deployments import DeploymentEdit, create_deployment
from llm.operations.prices import PriceRequest, set_price
from llm.operations.providers import ProviderEdit, create_provider
from llm.operations.routes import RouteEdit, create_route
from rag.models import Document, Symbol
from rag.operations.files import store_file
from rag.operations.golden_questions import create_golden_question
from rag.operations.knowledge_bases import BaseEdit, create_knowledge_base
from rag.operations.knowledge_tests import start_knowledge_test
from rag.operations.uploads import Sent, upload_documents
from tests.architecture.matrix import LINEAR
from tests.architecture.matrix_tools import DOCUMENT
from tests.factories import Someone, World
from vault.operations.rules import RuleRequest, make_rule
from vault.operations.secrets import Folder, put_secret
from vault.operations.sharing import Whom, share_secret


def acmes_things(world: World) -> dict[str, str]:
    """Make one of everything in Acme: what a developer can make is the developer's."""
    place = Place(world.acme, world.team, world.project)
    return {
        **things_of(place, admin=world.admin, owner=world.dev, member=world.viewer),
        "version": policies_of(world.admin, 1),
        "place": "1",
        "deed": "drop",
        "move": "pause",
    }


def others_things(world: World) -> dict[str, str]:
    """Make one of everything in the other organization."""
    place = Place(world.other, world.other_team, world.other_project)
    things = things_of(place, admin=world.stranger, owner=world.stranger, member=world.stranger)
    return {**things, "version": policies_of(world.stranger, 2), "place": "2", "deed": "drop", "move": "pause"}


def unknown_things() -> dict[str, str]:
    """Return ids under which nothing stands anywhere."""
    names = (
        "organization",
        "team",
        "project",
        "member",
        "invitation",
        "token",
        "flow",
        "run_id",
        "approval_id",
        "trigger",
        "server",
        "memory",
        "hook",
        "event_id",
        "event",
        "entry",
        "secret",
        "share",
        "rule",
        "budget",
        "price",
        "provider",
        "deployment",
        "route",
        "base",
        "source",
        "document",
        "ingestion",
        "symbol",
        "question",
        "test",
    )
    return {
        "path": "nothing.md",
        "form": "csv",
        "number": "1",
        "tool": "nothing.here",
        "key": "start",
        "version": "9",
        "place": "9",
        "deed": "drop",
        "move": "pause",
        **{name: str(new_id()) for name in names},
    }


class Place(NamedTuple):
    """Where things are made."""

    organization: Organization
    team: Team
    project: Project


def things_of(place: Place, *, admin: Someone, owner: Someone, member: Someone) -> dict[str, str]:
    """Make a file, a flow, a run, an invitation and a token, and return the ids of everything."""
    organization, team, project = place
    with tenant(organization.id):
        membership = Membership.objects.for_organization(organization.id).get(person=member.person)
        invitation = invite(admin.actor, email="somebody@elsewhere.example", role=Role.VIEWER)
        token = issue_token(owner.actor, name="Another").token
        store_file(owner.actor, project.id, path="notes.md", chunks=[b"# Notes"])
        event = AuditEvent.objects.for_organization(organization.id).order_by("pk")[0]
        flow = create_flow(admin.actor, project=project, document=LINEAR, is_team_template=True)
        publish_flow(admin.actor, flow=flow.id)
        run = start_run(
            owner.actor,
            request=RunRequest(agent_id="matrix", input="hello", document=LINEAR, project=str(project.id)),
        )
        secret = put_secret(owner.actor, "matrix", b"a value", folder=Folder(project=project))
        share = share_secret(owner.actor, secret.id, whom=Whom(team=team.id))
        rule = make_rule(admin.actor, RuleRequest("matrix", "deny", role="viewer"))
        budget = create_budget(admin.actor, BudgetRequest("Matrix", Decimal(1)))
        price = set_price(admin.actor, PriceRequest("openai", "matrix", {"input": "1", "output": "1"}))
        memory = MemoryEntry.objects.create(
            organization_id=organization.id,
            project=project,
            scope="project",
            key="tone",
            value="kind",
            size=6,
            label="untrusted",
            is_quarantined=True,
        )
        hook = create_trigger(owner.actor, flow.id, kind="webhook", edit=TriggerEdit(name="Hook")).trigger
    models = {**_models_of(admin), **_knowledge_of(owner, project)}
    edit = ToolServerEdit(name=organization.slug[:30], document=DOCUMENT, chosen=["x"])
    server = create_tool_server(owner.actor, edit, project=project.id)
    return {
        **models,
        "organization": str(organization.id),
        "team": str(team.id),
        "project": str(project.id),
        "member": str(membership.id),
        "invitation": str(invitation.id),
        "token": str(token.id),
        "path": "notes.md",
        "flow": str(flow.id),
        "run_id": str(run.id),
        "approval_id": f"{run.id}.1",
        "trigger": str(hook.id),
        "hook": str(hook.id),
        "server": str(server.id),
        "tool": f"{server.name}.x",
        "memory": str(memory.id),
        "event_id": str(event.id),
        "event": str(event.id),
        "entry": str(new_id()),
        "secret": str(secret.id),
        "share": str(share.id),
        "rule": str(rule.id),
        "budget": str(budget.id),
        "price": str(price.id),
        "form": "csv",
        "number": "1",
        "key": "start",
    }


def policies_of(admin: Someone, count: int) -> str:
    """Switch on so many states of a policy; their numbers are no ids, so one that only one organization has is told."""
    for number in range(count):
        save_policy_draft(admin.actor, source=f"rules: [{{name: r{number}, then: ask, when: {{tool: Nothing}}}}]")
        switch_on_policy(admin.actor)
    return str(count)


def _knowledge_of(owner: Someone, project: Project) -> dict[str, str]:
    """Make a knowledge base with a document in it."""
    base = create_knowledge_base(owner.actor, project.id, BaseEdit(name="Matrix")).base
    upload = upload_documents(owner.actor, base.pk, [Sent("notes.md", [b"# Notes"])])
    assert upload.files[0].document is not None
    assert upload.ingestion is not None
    places = [{"path": "notes.md"}]
    return {
        "question": str(create_golden_question(owner.actor, base.pk, question="A bird?", expected=places).pk),
        "test": str(start_knowledge_test(owner.actor, base.pk, k=5).pk),
        "base": str(base.pk),
        "source": str(upload.source.pk),
        "document": str(upload.files[0].document.pk),
        "ingestion": str(upload.ingestion.pk),
        "symbol": _symbol_of(upload.files[0].document),
    }


def _symbol_of(document: Document) -> str:
    """Let a document define something, as one of code does."""
    whose = {"organization_id": document.organization_id, "base_id": document.base_id}
    with tenant(document.organization_id):
        symbol = Symbol.objects.create(
            **whose, document=document, name="kea", key="kea", kind="function", language="python",
            first_line=1, last_line=1,
        )  # fmt: skip
    return str(symbol.pk)


def _models_of(admin: Someone) -> dict[str, str]:
    """Make a provider that may not be reached, a deployment there, and a route to it."""
    provider = create_provider(admin.actor, ProviderEdit(name="Local", kind="ollama"))
    deployment = create_deployment(admin.actor, DeploymentEdit(provider=str(provider.pk), model="llama3:8b"))
    route = create_route(admin.actor, RouteEdit(name="fast", deployments=[str(deployment.pk)]))
    return {
        "provider": str(provider.pk),
        "deployment": str(deployment.pk),
        "route": str(route.pk),
    }
