# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""An agent clones a repository, finds what fails, mends it, and asks before it pushes and opens a pull request."""

import json
import re
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import LazySettings
from playwright.sync_api import Page, expect

from tests.agents.test_pinning import chain
from tests.agents.test_policies import hold
from tests.factories import World
from tests.fakes.git_server import git
from tests.fakes.github import KEY, GitHubServer
from tests.fakes.openai import Provider
from tests.journeys.inspection import OVERHANG, faults_of
from tests.journeys.test_run_page import SignIn, started
from tests.llm.setting_up import connect, deploy
from vault.operations.secrets import Folder, put_secret

pytestmark = pytest.mark.browser

REPOSITORY = "acme/sums"
FILES: dict[str, str | bytes] = {
    "sums.py": "def add(a, b):\n    return a - b\n",
    "test_sums.py": "from sums import add\n\n\ndef test_add():\n    assert add(2, 2) == 4\n",
}
TOOLS = ["Git.*", "FileRead", "FileWrite", "FileSearch", "Shell", "GitHub.create_pull_request"]
TESTS = {"command": "cd sums && python -m pytest -q -p no:cacheprovider", "workspace": True}
# Its agents may work inside without asking, whatever they have read; what leaves is asked about.
POLICY = """
egress: {hosts: ["%s"]}
rules:
  - name: work-in-the-workspace
    when: {tool: [FileWrite, Shell, "Git.*"], capability: [read, exec], label: "*"}
    then: allow
    takes_risk: true
"""


def asks(model: Provider, tool: str, **arguments: Any) -> None:
    """Have the model call a tool next."""
    call = (f"call_{len(model.scripts)}", tool, json.dumps(arguments))
    model.will(words=(), calls=(call,), finish="tool_calls")


def plan(model: Provider, url: str) -> None:
    """What the model does, each time it is asked."""
    asks(model, "Git__clone", url=url)
    asks(model, "Shell", **TESTS)
    asks(model, "FileRead", path="sums/sums.py")
    asks(model, "FileWrite", path="sums/sums.py", old_text="a - b", new_text="a + b")
    asks(model, "Shell", **TESTS)
    asks(model, "Git__branch", name="fix/add")
    asks(model, "Git__commit", message="Add, not subtract")
    asks(model, "Git__push", url=url)
    body = "The test of add failed: it subtracted."
    pull = {"title": "Add, not subtract", "head": "fix/add", "base": "main", "body": body}
    asks(model, "GitHub__create_pull_request", repository=REPOSITORY, **pull)
    model.will(words=("The test passes, and the pull request is open.",))


def test_an_agent_mends_a_repository_and_asks_before_anything_leaves(
    page: Page,
    lived: World,
    model_servers: tuple[Provider, Provider],
    hub: GitHubServer,
    settings: LazySettings,
    sign_in: SignIn,
    truth: psycopg.Connection,
) -> None:
    # given a repository whose test fails, a key for it in the vault, and a model with a plan
    place, url, model = hub.add(REPOSITORY, FILES), f"{hub.url}/{REPOSITORY}.git", model_servers[0]
    settings.EGRESS_ALLOW = urlsplit(model.url).netloc
    deploy(lived.admin.actor, connect(lived.admin.actor, model), "Careful")
    put_secret(lived.dev.actor, "github", KEY.encode(), folder=Folder(project=lived.project))
    hold(lived.admin, POLICY % urlsplit(hub.url).netloc)
    plan(model, url)
    # when
    mend: dict[str, Any] = {"id": "mend", "type": "llm", "model": "Careful", "prompt": "Mend {{ input }}"}
    run_id = started(lived, chain("mender", {**mend, "tools": TOOLS, "max_steps": 15}), input=url)
    sign_in(page, "dev@acme.example")
    # then nothing has left before somebody approves of the push, seeing what would
    page.goto(f"/runs/{run_id}/")
    expect(page.get_by_role("heading", name=re.compile("call Git.push"))).to_be_visible(timeout=60_000)
    assert git(place, "branch", "--list", "fix/add") == ""
    page.goto("/approvals/")
    question = page.locator("#question")
    expect(question).to_contain_text("Git.push")
    expect(question).to_contain_text("return a + b")
    expect(question).to_contain_text("Add, not subtract")
    expect(question).to_contain_text(urlsplit(hub.url).netloc)
    assert faults_of(page) == []
    question.get_by_role("button", name="Approve", exact=False).first.click()
    # and of the pull request
    page.goto(f"/runs/{run_id}/")
    asked = page.get_by_role("heading", name=re.compile("call GitHub.create_pull_request"))
    expect(asked).to_be_visible(timeout=60_000)
    assert git(place, "log", "-1", "--format=%s", "fix/add") == "Add, not subtract"
    assert hub.pulls() == []
    page.get_by_role("button", name="Approve", exact=False).first.click()
    expect(page.locator("[data-run-status]")).to_contain_text("Succeeded", timeout=60_000)
    # then it is there, and the page shows what was changed
    [pull] = hub.pulls()
    assert (pull["title"], pull["head"]["ref"], pull["base"]["ref"]) == ("Add, not subtract", "fix/add", "main")
    expect(page.locator("[data-run-output]")).to_contain_text("the pull request is open")
    diff = page.get_by_role("region", name="Changes of sums/sums.py")
    expect(diff.locator(".del")).to_contain_text("return a - b")
    expect(diff.locator(".add")).to_contain_text("return a + b")
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        assert faults_of(page) == []
    page.get_by_role("link", name="By step").click()
    expect(page.get_by_role("heading", name="Changed in all")).to_be_visible()
    assert faults_of(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate(OVERHANG) == ""
    assert faults_of(page) == []
    # and the tests were run twice, first in vain; the key stands nowhere
    said = [message for each in model.asked for message in each["messages"] if message["role"] == "tool"]
    assert any("1 failed" in str(each["content"]) for each in said)
    assert any("1 passed" in str(each["content"]) for each in said)
    assert KEY not in json.dumps(model.asked)
    assert KEY.encode() not in b"".join(bytes(row[0]) for row in truth.execute("select delta from agents_journalentry"))
