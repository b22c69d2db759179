# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The pages of the policy: read by everybody, changed rule by rule or as text, tried, switched on, gone back to."""

from typing import Any

import pytest
from django.test import Client

from accounts.operations.preferences import change_preferences
from agents.operations.policies import save_policy_draft, switch_on_policy
from agents.queries.policies import access_policy, draft_of
from tests.factories import Someone, World, sign_in

HERE = "/settings/policy/"
RULE = {
    "name": "posts",
    "then": "ask",
    "tool": "HTTPRequest",
    "capability": "write",
    "host": "*.example.com",
    "people": "1",
}


@pytest.fixture
def pages(world: World) -> Any:
    def signed_in(who: Someone) -> Client:
        client = Client()
        sign_in(client, who.person)
        return client

    return signed_in


def said(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def rules(who: Someone) -> list[str]:
    draft = draft_of(access_policy(who.actor))
    assert draft is not None
    return [rule.name for rule in draft.document.rules]


def test_everybody_reads_what_holds_in_plain_words(world: World, pages: Any) -> None:
    save_policy_draft(
        world.admin.actor,
        source="""
        egress: {hosts: [api.example.com]}
        rules:
          - {name: no-shell, when: {tool: Shell, chosen_by: model}, then: deny, reason: shells are for people}
          - {name: pushes, when: {capability: write, host: git.example.com}, then: ask,
             approvers: {who: [org_admin], people: 2, not_requester: true, expires_seconds: 7200}}
          - {name: docs, when: {tool: FileWrite, label: knowledge}, then: allow, takes_risk: true}
        """,
    )
    switch_on_policy(world.admin.actor)
    page = said(pages(world.viewer).get(HERE))
    for words in (
        "calls of Shell, chosen by a model",
        "calls, that write, that reach git.example.com",
        "2 of organization admins approve, not whoever started the run, within 2 hours",
        "takes the risk",
        "calls of FileWrite, that text from knowledge led to",
        "api.example.com",
    ):
        assert words in page, words
    assert "Change it" not in page
    assert "no-shell" not in said(pages(world.stranger).get(HERE))


def test_it_is_read_in_german(world: World, pages: Any) -> None:
    change_preferences(world.viewer.person, language="de")
    rule = "{name: x, when: {tool: Shell, chosen_by: model, label: knowledge}, then: deny}"
    save_policy_draft(world.admin.actor, source=f"rules: [{rule}]")
    switch_on_policy(world.admin.actor)
    page = said(pages(world.viewer).get(HERE))
    assert "Aufrufe von Shell, von einem Modell gewählt, zu denen Text aus knowledge geführt hat" in page
    assert "Ablehnen" in page
    assert "Hinsehen ändert nichts." in page


def test_a_rule_is_filled_in_moved_and_taken_out(world: World, pages: Any) -> None:
    client = pages(world.admin)
    wrong = client.post(f"{HERE}rules/new/", {**RULE, "host": "https://a.example/x"})
    assert wrong.status_code == 422
    assert "Write the host alone" in said(wrong)
    assert client.post(f"{HERE}rules/new/", RULE).status_code == 302
    second = {**RULE, "name": "second", "then": "allow", "label": "memory", "takes_risk": "on", "expires_hours": ""}
    assert client.post(f"{HERE}rules/new/", second).status_code == 302
    assert rules(world.admin) == ["posts", "second"]
    client.post(f"{HERE}rules/2/sooner/")
    assert rules(world.admin) == ["second", "posts"]
    shown = said(client.get(f"{HERE}rules/2/"))
    assert 'value="*.example.com"' in shown
    client.post(f"{HERE}rules/2/", {**RULE, "name": "renamed", "who": "org_admin, ada@x.example", "expires_hours": "2"})
    draft = draft_of(access_policy(world.admin.actor))
    assert draft is not None
    assert draft.data["rules"][1] == {  # type: ignore[call-overload, index]
        "name": "renamed",
        "when": {"tool": ["HTTPRequest"], "capability": ["write"], "host": ["*.example.com"]},
        "then": "ask",
        "approvers": {"who": ["org_admin", "ada@x.example"], "expires_seconds": 7200.0},
    }
    client.post(f"{HERE}rules/1/drop/")
    assert rules(world.admin) == ["renamed"]
    assert client.get(f"{HERE}rules/7/").status_code == 404


def test_a_text_is_kept_with_what_is_wrong_and_does_not_overwrite(world: World, pages: Any) -> None:
    client = pages(world.admin)
    kept = client.post(f"{HERE}edit/", {"source": "rules:\n  - then: perhaps\n", "revision": "0"}, follow=True)
    assert "Line 2" in said(kept)
    assert "Switch it on" not in said(kept)
    refused = client.post(f"{HERE}switch-on/", follow=True)
    assert "This is no policy yet" in said(refused)
    stale = client.post(f"{HERE}edit/", {"source": "rules: []", "revision": "0"})
    assert stale.status_code == 409
    assert "Somebody changed" in said(stale)


def test_hosts_and_rego_are_filled_in(world: World, pages: Any) -> None:
    client = pages(world.admin)
    frame = {"frame": "1", "otherwise": "deny", "is_narrowed": "on", "hosts": "a.example\n*.b.example:8443"}
    bad = client.post(f"{HERE}edit/", {**frame, "mode": "stricter", "source": "package codexos\nx := http.send({})"})
    assert bad.status_code == 422
    assert "asks other machines" in said(bad)
    rego = "package codexos\r\n\r\ndecision := input.rules\r\n"
    assert client.post(f"{HERE}edit/", {**frame, "mode": "decides", "source": rego}).status_code == 302
    draft = draft_of(access_policy(world.admin.actor))
    assert draft is not None
    assert draft.document.hosts == ("*.b.example:8443", "a.example")
    assert draft.document.rego is not None
    assert draft.document.rego.source == rego.replace("\r\n", "\n")
    assert client.post(f"{HERE}edit/", {"drop": "1"}).status_code == 302
    assert not access_policy(world.admin.actor).has_draft


def test_it_is_tried_switched_on_and_gone_back_to(world: World, pages: Any) -> None:
    client = pages(world.admin)
    client.post(f"{HERE}rules/new/", {**RULE, "then": "deny", "host": ""})
    call = "tool: HTTPRequest\narguments: {url: 'https://a.example/', method: POST}\n"
    tried = said(client.post(f"{HERE}try/", {"call": call}))
    assert "reach a.example" in tried
    assert "(rule &#x27;posts&#x27;)" in tried
    assert client.post(f"{HERE}try/", {"call": "tool: ["}).status_code == 422
    assert "0 of 0 calls" in said(client.post(f"{HERE}try/", {"past": "1"}))
    assert "Version 1 holds" in said(client.post(f"{HERE}switch-on/", {"note": "first"}, follow=True))
    client.post(f"{HERE}edit/", {"source": "", "revision": ""})
    client.post(f"{HERE}rules/1/drop/")
    assert "Version 2 holds" in said(client.post(f"{HERE}switch-on/", follow=True))
    history = said(pages(world.dev).get(f"{HERE}history/?n=2"))
    assert "What version 2 changed" in history
    assert "Have it hold again" not in history
    again = client.post(f"{HERE}history/1/restore/", follow=True)
    assert "Version 3 holds, which says what version 1 said." in said(again)
