# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who else may use a secret: by a share, by a rule about a tag. What denies wins, and nothing opens by accident."""

from typing import Any

import pytest

from accounts.actor import Actor
from accounts.models import AuditEvent, Membership, Project
from accounts.operations.members import admit, change_member, remove_member
from accounts.operations.projects import create_project
from accounts.operations.teams import create_team
from accounts.operations.tokens import actor_from_token, issue_token
from accounts.queries.grants import load_actor
from accounts.roles import Role, TokenScope
from accounts.tenancy import tenant
from accounts.workers.outbox import deliver
from codexos.kernel.errors import NotAllowed, NotFound
from tests.factories import Someone, World, client_for, make_person, someone
from vault.errors import SecretInvalid, ShareUseless
from vault.models import Secret, SecretScope, SecretShare, TagRule
from vault.operations.rules import RuleRequest, drop_rule, make_rule
from vault.operations.secrets import Folder, NewValue, SecretEdit, add_version, change_secret, put_secret
from vault.operations.sharing import Whom, share_secret, unshare_secret
from vault.operations.values import read_secret, use_secret
from vault.queries.secrets import list_secrets

VALUE = b"canary-5c0e-value"


@pytest.fixture
def zoe(world: World) -> Someone:
    """A developer of Acme in another team, who sees nothing of the first one's."""
    team = create_team(world.admin.actor, name="Ops")
    create_project(world.admin.actor, name="Servers", team=team.pk)
    person = make_person("zoe@acme.example", name="Zoe")
    admit(person, organization_id=world.acme.pk, role=Role.DEVELOPER, team_ids=[team.pk])
    return someone(person, world.acme)


def put(world: World, key: str = "github", *, tags: Any = None, scope: SecretScope = SecretScope.PROJECT) -> Secret:
    folder = Folder(scope, world.project if scope is SecretScope.PROJECT else None)
    return put_secret(world.dev.actor, key, VALUE, folder=folder, edit=SecretEdit(tags=tags))


def member_of(world: World, who: Someone) -> str:
    with tenant(world.acme.pk):
        return str(Membership.objects.for_organization(world.acme.pk).get(person=who.person).pk)


def now(who: Someone, world: World) -> Actor:
    """Return somebody as they are let in by now."""
    actor = load_actor(who.person, organization_id=world.acme.pk)
    assert actor is not None
    return actor


def opens(actor: Actor, key: str = "github") -> bool:
    is_listed = key in [secret.key for secret in list_secrets(actor).rows]
    try:
        is_read = read_secret(actor, key).value == VALUE
    except NotFound:
        is_read = False
    assert is_listed == is_read
    return is_read


def is_in_no_team(actor: Actor) -> bool:
    """Tell whether somebody is refused everything, for they are in no team any more."""
    with pytest.raises(NotAllowed, match="you are in none here"):
        list_secrets(actor)
    with pytest.raises(NotAllowed, match="you are in none here"):
        read_secret(actor, "github")
    return True


def rule(world: World, tag: str, effect: str, *, role: str = "", **whom: Any) -> str:
    return str(make_rule(world.admin.actor, RuleRequest(tag, effect, Whom(**whom), role)).pk)


def told(world: World, action: str) -> list[dict[str, Any]]:
    with tenant(world.acme.pk):
        rows = AuditEvent.objects.for_organization(world.acme.pk).filter(action=action).order_by("id")
        return [event.details for event in rows]


def test_a_share_lets_somebody_use_a_secret_and_nothing_else(world: World, zoe: Someone) -> None:
    put(world)
    assert not opens(zoe.actor)
    share = share_secret(world.dev.actor, "github", whom=Whom(member=member_of(world, zoe)))
    assert opens(zoe.actor)
    for deed in (
        lambda: add_version(zoe.actor, "github", NewValue(b"hers")),
        lambda: share_secret(zoe.actor, "github", whom=Whom(team="ops")),
        lambda: change_secret(zoe.actor, "github", edit=SecretEdit(tags=["hers"])),
        lambda: unshare_secret(zoe.actor, "github", str(share.pk)),
    ):
        with pytest.raises(NotAllowed, match="shared with you to be used"):
            deed()
    assert share_secret(world.dev.actor, "github", whom=Whom(member=member_of(world, zoe))).pk == share.pk
    unshare_secret(world.dev.actor, "github", str(share.pk))
    assert not opens(zoe.actor)
    with pytest.raises(NotFound, match="has no share"):
        unshare_secret(world.dev.actor, "github", str(share.pk))
    assert told(world, "secret.shared") == [{"person": "Zoe"}]
    assert told(world, "secret.unshared") == [{"person": "Zoe"}]


def test_what_is_shared_is_used_by_runs_in_the_projects_of_those_it_is_shared_with(world: World, zoe: Someone) -> None:
    put(world)
    with tenant(world.acme.pk):
        servers = Project.objects.for_organization(world.acme.pk).get(name="Servers")
    with pytest.raises(NotFound):
        use_secret(zoe.actor, "github", project=servers, by={"run": "r1"})
    share_secret(world.dev.actor, "github", whom=Whom(member=member_of(world, zoe)))
    assert use_secret(zoe.actor, "github", project=servers, by={"run": "r1"}).value == VALUE


def test_a_team_may_use_what_it_is_given_for_as_long_as_one_is_in_it(world: World, zoe: Someone) -> None:
    put(world)
    create_team(world.admin.actor, name="Second")
    share_secret(world.admin.actor, "github", whom=Whom(team="ops"))
    assert opens(now(zoe, world))
    change_member(world.admin.actor, member_of(world, zoe), teams=["second"])
    assert not opens(now(zoe, world))
    change_member(world.admin.actor, member_of(world, zoe), teams=[])
    assert is_in_no_team(now(zoe, world))


def test_leaving_the_team_ends_access_to_its_folder(world: World) -> None:
    put(world)
    assert opens(world.dev.actor)
    create_team(world.admin.actor, name="Second")
    change_member(world.admin.actor, member_of(world, world.dev), teams=["second"])
    assert not opens(now(world.dev, world))
    assert client_for(world.dev).get("/api/v1/secrets/github/value/").status_code == 404


def test_a_personal_secret_is_shared_by_its_person_alone(world: World, zoe: Someone) -> None:
    secret = put(world, "mine", scope=SecretScope.PERSONAL)
    with pytest.raises(NotFound):
        share_secret(world.admin.actor, secret.pk, whom=Whom(team="ops"))
    share_secret(world.dev.actor, "mine", whom=Whom(member=member_of(world, zoe)))
    assert opens(zoe.actor, "mine")
    assert not opens(world.admin.actor, "mine")


def test_nothing_is_shared_with_another_organization_or_in_vain(world: World, zoe: Someone) -> None:
    put(world)
    with tenant(world.other.pk):
        stranger = Membership.objects.for_organization(world.other.pk).get(person=world.stranger.person).pk
    for whom in (Whom(member=stranger), Whom(team=world.other_team.pk), Whom(team="nowhere")):
        with pytest.raises(NotFound):
            share_secret(world.dev.actor, "github", whom=whom)
    for whom in (Whom(), Whom(team=world.team.slug, member=member_of(world, zoe))):
        with pytest.raises(SecretInvalid, match="one of team_id and member_id"):
            share_secret(world.dev.actor, "github", whom=whom)
    with pytest.raises(ShareUseless, match="is a viewer"):
        share_secret(world.dev.actor, "github", whom=Whom(member=member_of(world, world.viewer)))
    assert {refused["tried"] for refused in told(world, "secret.refused")} == {"share"}


def test_what_denies_wins_over_folder_share_and_rule(world: World, zoe: Someone) -> None:
    put(world, tags=["prod"])
    share_secret(world.dev.actor, "github", whom=Whom(member=member_of(world, zoe)))
    rule(world, "prod", "allow", role="developer")
    assert opens(zoe.actor)
    denied = rule(world, "prod", "deny", member=member_of(world, zoe))
    assert not opens(zoe.actor)
    assert opens(world.dev.actor)
    drop_rule(world.admin.actor, denied)
    for whom in ({"team": "ops"}, {"role": "developer"}):
        denied = rule(world, "prod", "deny", **whom)
        assert not opens(zoe.actor)
        assert opens(world.dev.actor) == ("team" in whom)
        drop_rule(world.admin.actor, denied)
    assert opens(zoe.actor)


def test_denying_admins_closes_it_to_them_too_and_they_can_take_it_back(world: World) -> None:
    put(world, tags=["hr"])
    denied = rule(world, "hr", "deny", role="org_admin")
    assert not opens(world.admin.actor)
    assert not opens(world.system_admin.actor)
    assert opens(world.dev.actor)
    drop_rule(world.admin.actor, denied)
    assert opens(world.admin.actor)


def test_who_is_denied_cannot_put_over_it_retag_it_or_find_it(world: World) -> None:
    secret = put(world, tags=["prod"])
    rule(world, "prod", "deny", member=member_of(world, world.dev))
    for named in ("github", secret.pk):
        with pytest.raises(NotFound):
            change_secret(world.dev.actor, named, edit=SecretEdit(tags=["mine"]))
    with pytest.raises(NotFound):
        put(world)
    with pytest.raises(NotFound):
        use_secret(world.dev.actor, "github", project=world.project, by={"run": "r1"})
    assert list_secrets(world.dev.actor).rows == []
    assert read_secret(world.lead.actor, "github").number == 1


def test_a_tag_opens_to_whom_it_is_allowed_but_never_what_is_personal(world: World, zoe: Someone) -> None:
    put(world, tags=["shared"])
    put(world, "mine", tags=["shared"], scope=SecretScope.PERSONAL)
    allowed = rule(world, "shared", "allow", team="ops")
    assert opens(zoe.actor)
    assert not opens(zoe.actor, "mine")
    with pytest.raises(NotAllowed):
        add_version(zoe.actor, "github", NewValue(b"hers"))
    drop_rule(world.admin.actor, allowed)
    assert not opens(zoe.actor)


def test_a_role_that_uses_no_vault_is_let_in_by_no_rule(world: World) -> None:
    put(world, tags=["shared"])
    rule(world, "shared", "allow", role="viewer")
    with pytest.raises(NotAllowed, match="does not include the vault"):
        read_secret(world.viewer.actor, "github")


def test_a_secret_that_loses_its_last_tag_is_open_to_nobody_new(world: World, zoe: Someone) -> None:
    put(world, tags=["prod", "eu"])
    rule(world, "prod", "deny", member=member_of(world, world.lead))
    rule(world, "eu", "allow", team="ops")
    assert (opens(world.lead.actor), opens(zoe.actor)) == (False, True)
    change_secret(world.dev.actor, "github", edit=SecretEdit(tags=[]))
    assert (opens(world.lead.actor), opens(zoe.actor)) == (False, False)
    put(world)  # another value changes nothing of it
    assert not opens(world.lead.actor)
    # Tagging it anew is somebody's decision, and stands in the trail.
    change_secret(world.dev.actor, "github", edit=SecretEdit(tags=["test"]))
    assert opens(world.lead.actor)
    assert told(world, "secret.changed")[-1] == {"changed": ["tags"]}


def test_retagging_follows_the_rules_at_once(world: World, zoe: Someone) -> None:
    put(world, tags=["dev"])
    rule(world, "prod", "deny", role="developer")
    rule(world, "dev", "allow", team="ops")
    assert (opens(world.dev.actor), opens(zoe.actor)) == (True, True)
    change_secret(world.lead.actor, "github", edit=SecretEdit(tags=["dev", "prod"]))
    assert (opens(world.dev.actor), opens(zoe.actor), opens(world.lead.actor)) == (False, False, True)


def test_a_token_narrowed_to_a_project_sees_that_projects_secrets_alone(world: World) -> None:
    put(world, tags=["all"])
    put(world, "mine", scope=SecretScope.PERSONAL)
    put_secret(world.admin.actor, "everyones", VALUE, folder=Folder(SecretScope.ORGANIZATION))
    rule(world, "all", "allow", role="developer")
    other = create_project(world.lead.actor, name="Second", team=world.team.pk)
    for project, keys in ((world.project, ["github"]), (other, [])):
        value = issue_token(world.dev.actor, name="N", scopes=[TokenScope.VAULT], project=project).value
        found = actor_from_token(value)
        assert found is not None
        assert [secret.key for secret in list_secrets(found[1]).rows] == keys


def test_who_leaves_is_shared_nothing_when_they_come_back(world: World, zoe: Someone) -> None:
    put(world, tags=["prod"])
    share_secret(world.dev.actor, "github", whom=Whom(member=member_of(world, zoe)))
    rule(world, "prod", "allow", member=member_of(world, zoe))
    rule(world, "prod", "allow", role="team_lead")
    remove_member(world.admin.actor, member_of(world, zoe))
    deliver(world.acme.pk)
    with tenant(world.acme.pk):
        assert not SecretShare.objects.for_organization(world.acme.pk).exists()
        assert [left.role for left in TagRule.objects.for_organization(world.acme.pk)] == ["team_lead"]
    admit(zoe.person, organization_id=world.acme.pk, role=Role.DEVELOPER, team_ids=[])
    change_member(world.admin.actor, member_of(world, zoe), teams=["ops"])
    assert not opens(now(zoe, world))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"tag": "prod", "effect": "deny"}, "one of team_id and member_id"),
        ({"tag": "prod", "effect": "deny", "role": "developer", "team_id": "core"}, "one of role, team_id"),
        ({"tag": "a b", "effect": "deny", "role": "developer"}, "tag"),
        ({"tag": "", "effect": "deny", "role": "developer"}, "tag"),
        ({"tag": "prod", "effect": "maybe", "role": "developer"}, "not a valid choice"),
        ({"tag": "prod", "effect": "deny", "role": "system_admin"}, "not a valid choice"),
    ],
)
def test_a_rule_that_is_none_is_refused(world: World, body: Any, says: str) -> None:
    answer = client_for(world.admin).post("/api/v1/vault/tag-rules/", body, format="json")
    assert answer.status_code == 422
    assert says in answer.json()["detail"]


def test_rules_and_shares_over_http(world: World, zoe: Someone) -> None:
    put(world, tags=["prod"])
    admin, dev = client_for(world.admin), client_for(world.dev)
    body = {"tag": "Prod", "effect": "deny", "member_id": member_of(world, zoe)}
    made = admin.post("/api/v1/vault/tag-rules/", body, format="json").json()
    assert (made["tag"], made["effect"], made["name"], made["user_id"]) == ("prod", "deny", "Zoe", str(zoe.person.pk))
    assert admin.post("/api/v1/vault/tag-rules/", body, format="json").json()["id"] == made["id"]
    assert [row["id"] for row in admin.get("/api/v1/vault/tag-rules/?tag=prod").json()["results"]] == [made["id"]]
    assert dev.get("/api/v1/vault/tag-rules/").status_code == 403
    assert admin.delete(f"/api/v1/vault/tag-rules/{made['id']}/").status_code == 204
    assert admin.delete(f"/api/v1/vault/tag-rules/{made['id']}/").json()["code"] == "tag_rule_not_found"
    shares = "/api/v1/secrets/github/shares/"
    share = dev.post(shares, {"member_id": member_of(world, zoe)}, format="json").json()
    assert dev.post(shares, {"member_id": member_of(world, zoe)}, format="json").json() == share
    assert [row["name"] for row in dev.get(shares).json()["results"]] == ["Zoe"]
    assert client_for(zoe).get(shares).status_code == 403
    assert client_for(zoe).get("/api/v1/secrets/github/value/").json()["value"] == VALUE.decode()
    assert dev.delete(f"{shares}{share['id']}/").status_code == 204
    assert client_for(zoe).get("/api/v1/secrets/github/value/").status_code == 404
