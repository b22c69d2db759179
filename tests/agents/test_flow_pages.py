# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages of flows without scripts: bringing one in, publishing it, going back, putting it away."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.tenancy import tenant
from agents.engine.drafts import draft_of
from agents.models import Flow
from agents.operations.flows import FlowEdit, change_flow, create_flow
from agents.operations.samples import SAMPLES
from agents.operations.versions import publish_flow
from agents.queries.flows import access_flow
from tests.agents.test_flows import SOUND, UNFINISHED
from tests.factories import Someone, World


def browse(someone: Someone) -> Client:
    """A browser in which somebody is signed in."""
    client = Client()
    client.force_login(someone.person, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def flows_of(world: World) -> list[Flow]:
    """Every flow of Acme, the oldest first."""
    with tenant(world.acme.pk):
        return list(Flow.objects.for_organization(world.acme.pk).order_by("pk"))


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_runs_as_it_is(world: World, name: str) -> None:
    answer = browse(world.dev).post("/flows/new/", {"source": SAMPLES[name], "project": world.project.slug})
    (flow,) = flows_of(world)
    assert answer.headers["Location"] == f"/flows/{flow.pk}/"
    assert publish_flow(world.dev.actor, flow=flow.pk).is_new


def test_a_file_takes_the_place_of_the_text(world: World) -> None:
    file = SimpleUploadedFile("flow.yaml", SAMPLES["answer"].replace("\n", "\r\n").encode())
    browse(world.dev).post("/flows/new/", {"file": file, "source": "", "project": world.project.slug})
    (flow,) = flows_of(world)
    assert (flow.source, flow.format) == (SAMPLES["answer"], "yaml")


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"source": ""}, "Bring a file, or write the flow here."),
        ({"source": "id: [\n"}, "This is not YAML"),
        ({"file": SimpleUploadedFile("f.json", b"\xff\xfe{")}, "not text in UTF-8"),
        ({"file": SimpleUploadedFile("f.json", b"x" * 5_000_000)}, "larger than a flow may be"),
        ({"source": "id: a\nnodes: []\n", "project": "elsewhere"}, "elsewhere"),
    ],
)
def test_what_cannot_be_kept_is_said_and_what_was_typed_stays(world: World, sent: dict[str, Any], said: str) -> None:
    answer = browse(world.dev).post("/flows/new/", {"project": world.project.slug, **sent})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert sent.get("source", "") in answer.content.decode()
    assert flows_of(world) == []


def test_a_flow_is_published_restored_and_put_away_by_forms(world: World) -> None:
    client = browse(world.dev)
    flow = create_flow(world.dev.actor, project=world.project, document=SOUND)
    url = f"/flows/{flow.pk}/"
    assert "becomes version 1" in client.get(f"{url}publish/").content.decode()
    assert client.post(f"{url}publish/", {"note": "First"}).status_code == 302
    assert "no new version is made" in client.get(f"{url}publish/").content.decode()
    assert client.post(f"{url}versions/1/restore/").status_code == 302
    for page in ("", "versions/", "versions/?n=1&with=1", "versions/?kept=1", "settings/"):
        assert client.get(url + page).status_code == 200
    assert client.get(f"{url}versions/?n=7").status_code == 404
    assert client.get(f"{url}versions/?kept=7").status_code == 404
    taken = create_flow(world.dev.actor, project=world.project, document={**SOUND, "id": "taken"})
    refused = client.post(f"{url}settings/", {"name": "Tides", "slug": taken.slug})
    assert (refused.status_code, "taken in this project" in refused.content.decode()) == (422, True)
    client.post(f"{url}archive/")
    assert f"/flows/{flow.pk}/" not in client.get("/flows/").content.decode()
    assert f"/flows/{flow.pk}/" in client.get("/flows/?which=archived").content.decode()
    client.post(f"{url}unarchive/")
    assert not access_flow(world.dev.actor, flow.pk).is_archived


def test_an_unfinished_draft_is_held_back_with_its_problems(world: World) -> None:
    client = browse(world.dev)
    flow = create_flow(world.dev.actor, project=world.project, document=UNFINISHED)
    page = client.get(f"/flows/{flow.pk}/publish/").content.decode()
    assert "keep it from going out" in page
    assert "nowhere" in page
    assert client.post(f"/flows/{flow.pk}/publish/", {"note": ""}).status_code == 422
    assert access_flow(world.dev.actor, flow.pk).published is None


def test_what_a_flow_holds_is_text_on_every_page(world: World) -> None:
    evil = "</script><script>alert(1)</script></textarea>"
    nodes = [{"id": evil, "type": evil, "next": evil, "prompt": evil}]
    flow = create_flow(world.dev.actor, project=world.project, document={"id": "evil", "name": "Evil", "nodes": nodes})
    client = browse(world.dev)
    for page in ("", "publish/", "versions/", "versions/?kept=1", "settings/"):
        assert "<script>alert" not in client.get(f"/flows/{flow.pk}/{page}").content.decode()
    assert "<script>alert" not in client.get(f"/runs/new/?flow={flow.pk}&draft=1").content.decode()


def test_what_was_looked_at_goes_out_and_not_what_was_saved_meanwhile(world: World) -> None:
    # given
    client, flow = browse(world.dev), create_flow(world.dev.actor, project=world.project, document=SOUND)
    url = f"/flows/{flow.pk}/publish/"
    assert f'name="revision" value="{flow.revision}"' in client.get(url).content.decode()
    changed = {**SOUND, "description": "Saved in another window"}
    change_flow(world.dev.actor, flow.pk, edit=FlowEdit(draft=draft_of(changed)))
    # when
    refused = client.post(url, {"note": "", "revision": flow.revision})
    # then
    assert refused.status_code == 422
    assert access_flow(world.dev.actor, flow.pk).published is None
    # and what is shown now may go out
    assert f'name="revision" value="{flow.revision + 1}"' in refused.content.decode()
    assert client.post(url, {"note": "", "revision": flow.revision + 1}).status_code == 302
