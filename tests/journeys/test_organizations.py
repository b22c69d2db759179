# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Between organizations: switching shows the other one's content, and nothing leaks to who is not in it."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from accounts.operations.invitations import invite
from accounts.operations.members import admit
from accounts.operations.teams import create_team
from accounts.queries.audit import list_audit_events
from accounts.queries.members import list_members
from accounts.queries.tokens import list_own_tokens
from accounts.roles import Role
from agents.operations.flows import create_flow
from agents.operations.runs import RunRequest, start_run
from agents.operations.versions import publish_flow
from rag.operations.files import store_file
from tests.agents.test_runs import BLUEPRINT
from tests.factories import World

pytestmark = pytest.mark.browser


def test_switching_shows_the_other_organization_and_only_it(
    page: Page, lived: World, sign_in: Callable[..., None]
) -> None:
    admit(lived.dev.person, organization_id=lived.other.id, role=Role.VIEWER, team_ids=[lived.other_team.id])
    store_file(lived.dev.actor, lived.project.id, path="ours.md", chunks=[b"ours"])
    store_file(lived.stranger.actor, lived.other_project.id, path="theirs.md", chunks=[b"theirs"])
    sign_in(page, "dev@acme.example")
    page.goto("/files/main/")
    expect(page.get_by_role("link", name="ours.md")).to_be_visible()
    # when
    page.get_by_label("Menu of Dev").click()
    page.get_by_role("button", name="Other", exact=True).click()
    # then
    expect(page.get_by_role("navigation", name="Breadcrumb")).to_contain_text("Other")
    page.goto("/files/main/")
    expect(page.get_by_role("link", name="theirs.md")).to_be_visible()
    expect(page.get_by_role("link", name="ours.md")).to_have_count(0)
    expect(page.locator("file-drop")).to_have_count(0)  # a viewer there, a developer at home


def test_every_address_of_the_other_organization_leads_nowhere(
    page: Page, lived: World, sign_in: Callable[..., None]
) -> None:
    sign_in(page, "mallory@other.example")
    answers = {address: page.request.get(address).status for address in addresses_in(lived)}
    assert answers == dict.fromkeys(answers, 404)
    # and it looks like any other missing page
    page.goto(next(iter(answers)))
    expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing here")
    page.get_by_role("link", name="Go home").click()
    expect(page.get_by_role("navigation", name="Breadcrumb")).to_contain_text("Other")


def addresses_in(world: World) -> Iterator[str]:
    """Make one of everything in Acme and return the pages that show or change it."""
    actor = world.admin.actor
    flow = create_flow(actor, project=world.project, document=BLUEPRINT)
    publish_flow(actor, flow=str(flow.id))
    run = start_run(actor, request=RunRequest(agent_id=str(flow.id), input="?", project=str(world.project.id)))
    store_file(actor, world.project.id, path="ours.md", chunks=[b"ours"])
    member = list_members(actor).rows[0]
    project, team = world.project.id, create_team(actor, name="Night shift").id
    yield from (f"/runs/{run.id}/", f"/runs/new/?flow={flow.id}", f"/runs/new/?flow={flow.slug}")
    yield from (f"/files/{project}/", f"/files/{project}/at/ours.md", f"/files/{project}/delete/ours.md")
    yield from (f"/settings/members/{member.pk}/", f"/settings/members/{member.pk}/remove/")
    yield from (f"/settings/teams/{team}/", f"/settings/teams/{team}/delete/", "/settings/teams/night-shift/")
    yield from (f"/settings/projects/{project}/", f"/settings/projects/{project}/delete/")
    yield f"/settings/audit/{list_audit_events(actor).rows[0].pk}/"
    yield f"/settings/tokens/{list_own_tokens(actor).rows[0].pk}/revoke/"
    invitation = invite(actor, email="ida@new.example", role=Role.VIEWER)
    yield f"/settings/invitations/{invitation.pk}/withdraw/"
