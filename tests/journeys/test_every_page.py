# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Every page of the product, looked at closely. A page that is added without being listed here fails."""

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.db import connections
from django.urls import URLPattern, URLResolver, get_resolver, resolve, reverse
from playwright.sync_api import Page

from accounts.actor import Actor
from accounts.models import Person
from accounts.operations.invitations import invite
from accounts.operations.projects import create_project
from accounts.operations.teams import create_team
from accounts.queries.audit import list_audit_events
from accounts.queries.invitations import letter_token
from accounts.queries.members import list_members
from accounts.queries.tokens import list_own_tokens
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
from llm.operations.budgets import BudgetRequest, create_budget
from llm.operations.deployments import DeploymentEdit, create_deployment
from llm.operations.providers import ProviderEdit, create_provider
from llm.operations.routes import RouteEdit, create_route
from rag.operations.files import store_file
from rag.operations.knowledge_bases import BaseEdit, create_knowledge_base
from rag.operations.uploads import Sent, upload_documents
from tests.agents.openapi_documents import PETS
from tests.agents.test_runs import BLUEPRINT
from tests.factories import PASSWORD, World
from tests.journeys.conftest import Product
from tests.journeys.inspection import faults_of
from tests.journeys.test_second_factor import add_key, give_authenticator
from vault.operations.rules import RuleRequest, make_rule
from vault.operations.secrets import Folder, SecretEdit, put_secret

pytestmark = pytest.mark.browser

Arguments = Mapping[str, tuple[object, ...]]

# Named addresses that show no page of their own, and why.
NO_PAGES = {
    **dict.fromkeys(
        ("healthz", "readyz", "agent-run", "rag-query", "hook", "source-hook", "vault-put"), "for programs"
    ),
    **dict.fromkeys(("mcp", "mcp-metadata", "mcp-metadata-of"), "for programs"),
    "tool-sign-in": "people come to it from a provider: tests/mcp/test_sign_in.py",
    **dict.fromkeys(
        ("export-audit", "mfa_download_recovery_codes", "run-artefact", "run-file", "run-patch"), "downloads"
    ),
    **dict.fromkeys(("set_language", "set_theme", "switch_organization", "member-role"), "forms of other pages"),
    **dict.fromkeys(("archive-flow", "unarchive-flow", "fork-flow", "restore-version"), "forms of other pages"),
    **dict.fromkeys(("resend-invitation", "end-break-glass"), "forms of other pages"),
    **dict.fromkeys(("run-standing", "run-step"), "parts of a run's page"),
    **dict.fromkeys(("fire-trigger", "pause-trigger", "resume-trigger"), "forms of a trigger's page"),
    **dict.fromkeys(("rotate-trigger", "delete-trigger"), "forms of a trigger's page"),
    **dict.fromkeys(("cancel-run", "decide-run", "pause-run", "resume-run"), "forms of a run's page"),
    **dict.fromkeys(
        ("policy-rule-deed", "switch-on-policy", "restore-policy", "take-ready-rule", "trust-call"),
        "forms of the policy's pages, and of approvals",
    ),
    **dict.fromkeys(("retry-run", "rerun-run", "fork-run", "replay-run"), "forms of a run's page"),
    **dict.fromkeys(
        ("roll-back-secret", "restore-secret", "share-secret", "unshare-secret"), "forms of a secret's page"
    ),
    **dict.fromkeys(("accept-memory", "forget-memory"), "forms of a memory's page"),
    **dict.fromkeys(("answer-approvals", "answer-approval"), "forms of the approvals' page"),
    "approvals-count": "a part of every page",
    "drop-tag-rule": "a form of the rules' page",
    **dict.fromkeys(("cost-rules", "purge-kept-answers", "drop-price", "drop-budget"), "forms of other pages"),
    **dict.fromkeys(("try-model-provider", "add-deployment", "delete-model-provider"), "forms of a provider's page"),
    **dict.fromkeys(
        ("choose-tools", "refresh-tool-server", "delete-tool-server", "begin-tool-sign-in"),
        "forms of a tool server's page",
    ),
    **dict.fromkeys(("sync-source", "ingestion-deed", "retry-document"), "forms of a knowledge base's pages"),
    **dict.fromkeys(("delete-deployment", "route-steps", "delete-route"), "forms of a deployment's or route's page"),
    **dict.fromkeys(("settings", "mfa_login_webauthn"), "lead on at once"),
    "account_confirm_login_code": "signing in by mailed codes is off",
    "mfa_authenticate": "stands between two steps: test_second_factor.py looks at it",
}
SIGNED_OUT = frozenset(
    {
        "account_login",
        "account_signup",
        "account_inactive",
        "account_email_verification_sent",
        "account_confirm_email",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key",
        "account_reset_password_from_key_done",
        "invitation",
        "api-docs",
        "api-errors",
    }
)
# Pages for people who have no password, or no second factor yet.
NEWCOMERS = frozenset({"account_set_password", "mfa_activate_totp"})
WITH_A_KEY = frozenset(
    {"mfa_add_webauthn", "mfa_list_webauthn", "mfa_edit_webauthn", "mfa_remove_webauthn", "mfa_reauthenticate_webauthn"}
)


def test_every_page_for_strangers_is_for_everybody(page: Page, lived: World) -> None:
    things = make_one_of_each(lived)
    found = look_at_each(page, SIGNED_OUT, things)
    assert not found, "\n".join(found)


def test_every_page_for_newcomers_is_for_everybody(page: Page, lived: World, sign_in: Callable[..., None]) -> None:
    sign_in(page, "lead@acme.example")
    found = look_at_each(page, NEWCOMERS, {})
    assert not found, "\n".join(found)


def test_every_page_for_members_is_for_everybody(page: Page, lived: World, sign_in: Callable[..., None]) -> None:
    things = make_one_of_each(lived)
    guard_well(lived.admin.person)
    sign_in(page, "admin@acme.example")
    found = look_at_each(page, named_pages() - SIGNED_OUT - NEWCOMERS - WITH_A_KEY, things)
    assert not found, "\n".join(found)


def test_every_page_about_passkeys_is_for_everybody(
    page: Page, lived: World, product: Product, sign_in: Callable[..., None]
) -> None:
    home = product.url.replace("127.0.0.1", "localhost")
    sign_in(page, "admin@acme.example", at=home)
    give_authenticator(page)
    add_key(page, home)
    key = Authenticator.objects.get(type=Authenticator.Type.WEBAUTHN)
    things = dict.fromkeys(("mfa_edit_webauthn", "mfa_remove_webauthn"), (key.pk,))
    found = look_at_each(page, WITH_A_KEY, things, home=home)
    assert not found, "\n".join(found)


def named_pages() -> frozenset[str]:
    """Every name in the URL configuration that shows a page; the API and Django's console are apart."""
    return frozenset(_names(get_resolver(), "")) - NO_PAGES.keys()


def look_at_each(page: Page, names: frozenset[str], things: Arguments, *, home: str = "") -> list[str]:
    """Visit pages by name and return what is wrong with each."""
    found: list[str] = []
    for name in sorted(names):
        address = home + reverse(name, args=things.get(name, ()))
        answer = page.goto(address)
        shown = resolve(urlsplit(page.url).path).url_name
        if answer is None or answer.status != 200 or shown != name:
            found.append(f"{name}: {address} led to {page.url} ({answer and answer.status})")
            continue
        found += faults_of(page)
    return found


def remember(world: World) -> MemoryEntry:
    """Something that an agent keeps and nobody has accepted."""
    with tenant(world.acme.pk):
        return MemoryEntry.objects.create(
            organization_id=world.acme.pk,
            project=world.project,
            scope="project",
            key="tone",
            value="kind",
            size=6,
            label="untrusted",
            is_quarantined=True,
            sources=["tool:WebFetch"],
        )


def make_one_of_each(world: World) -> Arguments:
    """Make one of everything there is a page for, and return the arguments of each page's address."""
    actor, project = world.admin.actor, world.project
    store_file(actor, project.id, path="notes/tides.md", chunks=["# Tides\n\nHöchststand 14:20.\n".encode()])
    flow = create_flow(actor, project=project, document=BLUEPRINT)
    publish_flow(actor, flow=str(flow.id))
    hook = create_trigger(actor, flow.id, kind="webhook", edit=TriggerEdit(name="When tides are measured")).trigger
    memory = remember(world)
    run = start_run(
        actor, request=RunRequest(agent_id=str(flow.id), input="When is high water?", project=str(project.id))
    )
    secret = put_secret(actor, "tide-gauge", b"4711", folder=Folder(project=project), edit=SecretEdit(tags=["sea"]))
    make_rule(actor, RuleRequest("sea", "deny", role="viewer"))
    budget = create_budget(actor, BudgetRequest("Everybody's", Decimal(100)))
    member = next(row for row in list_members(actor).rows if row.person_id == world.dev.person.pk)
    invitation = invite(actor, email="ida@new.example", role=Role.VIEWER)
    team = create_team(actor, name="Night shift")
    create_project(actor, team=team.pk, name="Tide tables")
    provider = create_provider(actor, ProviderEdit(name="Harbor models", kind="ollama"))
    deployment = create_deployment(actor, DeploymentEdit(provider=str(provider.pk), model="llama3:8b"))
    route = create_route(actor, RouteEdit(name="fast", deployments=[str(deployment.pk)]))
    switch_on_a_policy(actor)
    edit = ToolServerEdit(
        name="pets", document=json.dumps(PETS), config={"base_url": "https://pets.example"}, chosen=["*"]
    )
    # On a thread of its own: the browser keeps a loop running on this one.
    with ThreadPoolExecutor(1, initializer=connections.close_all) as pool:
        server = pool.submit(create_tool_server, actor, edit).result()
        pool.submit(connections.close_all).result()
    base = create_knowledge_base(actor, project.id, BaseEdit(name="Tide lore")).base
    upload = upload_documents(actor, base.pk, [Sent("tides.md", [b"# Tides\n\nHigh water is at 14:20.\n"])])
    document = upload.files[0].document
    assert document is not None
    event, token = list_audit_events(actor).rows[0], list_own_tokens(actor).rows[0]
    new = Person.objects.create_user("new@new.example", PASSWORD)
    address = EmailAddress.objects.create(user=new, email=new.email, primary=True)
    return {
        "folder": (project.slug,),
        **dict.fromkeys(("file", "delete-file"), (project.slug, "notes/tides.md")),
        **dict.fromkeys(("run", "run-files"), (run.id,)),
        **dict.fromkeys(("flow", "publish-flow", "flow-versions", "flow-settings", "flow-agent"), (flow.id,)),
        **dict.fromkeys(("flow-triggers", "new-trigger"), (flow.id,)),
        "trigger": (flow.id, hook.id),
        "memory-entry": (memory.pk,),
        "budget": (budget.pk,),
        **dict.fromkeys(("secret", "reveal-secret", "new-value", "secret-rotation", "destroy-secret"), (secret.pk,)),
        "model-provider": (provider.pk,),
        "tool": ("HTTPRequest",),
        "tool-server": (server.pk,),
        "deployment": (deployment.pk,),
        "route": (route.pk,),
        "invitation": (letter_token(invitation.pk),),
        "withdraw-invitation": (invitation.pk,),
        **dict.fromkeys(("member", "remove-member"), (member.pk,)),
        **dict.fromkeys(("team", "delete-team"), (team.pk,)),
        **dict.fromkeys(("project", "delete-project"), (project.pk,)),
        **dict.fromkeys(("knowledge-base", "knowledge-documents", "ask-knowledge"), (base.pk,)),
        **dict.fromkeys(("knowledge-settings", "delete-knowledge-base", "new-source"), (base.pk,)),
        "delete-source": (base.pk, upload.source.pk),
        **dict.fromkeys(("document", "delete-document"), (document.pk,)),
        "policy-rule": (1,),
        "revoke-token": (token.pk,),
        "audit-event": (event.pk,),
        "account_confirm_email": (EmailConfirmationHMAC(address).key,),
        "account_reset_password_from_key": (user_pk_to_url_str(new), default_token_generator.make_token(new)),
    }


def switch_on_a_policy(actor: Actor) -> None:
    """Have a policy hold, and another be drafted."""
    rule = "{name: no-shell, when: {tool: Shell, chosen_by: model}, then: deny, reason: shells are for people}"
    save_policy_draft(actor, source=f"egress: {{hosts: [api.example.com]}}\nrules:\n  - {rule}\n")
    switch_on_policy(actor)
    save_policy_draft(
        actor, source=f"rules:\n  - {rule}\n  - {{name: posts, when: {{capability: write}}, then: ask}}\n"
    )


def guard_well(person: Person) -> None:
    """Give a person a password, an authenticator app and recovery codes."""
    person.set_password(PASSWORD)
    person.save()
    TOTP.activate(person, generate_totp_secret())
    RecoveryCodes.activate(person)


def _names(resolver: URLResolver, prefix: str) -> Iterator[str]:
    for entry in resolver.url_patterns:
        route = f"{prefix}{entry.pattern}"
        if route.startswith(("api/v1", "admin/")):
            continue
        if isinstance(entry, URLPattern):
            yield entry.name or route
        else:
            yield from _names(entry, route)
