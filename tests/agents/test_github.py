# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""GitHub's tools against a server in its API's shape, over real repositories: what they ask and never do twice."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.adapters.toolbox import BuiltInToolbox
from agents.adapters.tools.built_in import BUILT_IN
from agents.adapters.tools.github_operations import OPERATIONS
from agents.adapters.tools.room import ToolRoom
from agents.engine.gate import Occasion
from agents.engine.tools import check_arguments, kept_result
from agents.errors import ToolFailed, ToolUnavailable
from codexos.kernel.http import EgressPolicy, EgressRefused, Unreachable, parse_egress_allow
from tests.fakes.git_server import git
from tests.fakes.github import KEY, GitHubServer, Refused, serve_github
from tests.kernel.local_server import LocalServer, redirect

REPOSITORY = "acme/birds"


@pytest.fixture
def hub(tmp_path: Path, settings: Any) -> Iterator[GitHubServer]:
    with serve_github(tmp_path / "hub") as running:
        running.add(REPOSITORY, {"README.md": "Birds\n", "kea.txt": "green\n"})
        settings.GITHUB_URL, settings.EGRESS_ALLOW = running.api, running.url.removeprefix("http://")
        yield running


async def ask(name: str, *, token: str | None = KEY, **arguments: Any) -> Any:
    """Call one of the tools as a run does: checked on both sides."""
    toolbox = BuiltInToolbox(ToolRoom())
    spec = toolbox.describe(f"GitHub.{name}")
    if "{owner}" in OPERATIONS[spec.name].path:
        arguments = {"repository": REPOSITORY, **arguments}
    arguments |= {} if token is None else {"token": token}
    check_arguments(spec, arguments)
    result = await toolbox.call(spec.name, arguments, on=Occasion("k"))
    kept_result(spec, result)
    return result


async def test_an_issue_from_its_opening_to_its_end(hub: GitHubServer) -> None:
    made = await ask("create_issue", title="Kea is red", body="It says green.", labels=["bug"])
    assert made["item"]["number"] == 1
    await ask("create_comment", number=1, body="Indeed.")
    assert [each["body"] for each in (await ask("list_comments", number=1))["items"]] == ["Indeed."]
    assert (await ask("search_issues", query="is:issue kea"))["items"] == []
    assert (await ask("search_issues", query="is:issue red"))["items"][0]["labels"] == ["bug"]
    closed = await ask("update_issue", number=1, state="closed")
    assert closed["item"]["state"] == "closed"
    assert (await ask("list_issues"))["items"] == []
    assert (await ask("list_issues", state="all"))["items"][0]["title"] == "Kea is red"
    assert (await ask("get_issue", number=1))["item"]["author"] == "ada"


async def test_a_change_from_a_branch_to_its_merge(hub: GitHubServer) -> None:
    branch = await ask("create_branch", branch="fix/kea", **{"from": "main"})
    assert branch["item"]["branch"] == "fix/kea"
    written = await ask("write_file", path="kea.txt", text="red\n", message="Say red", branch="fix/kea")
    assert written["item"]["path"] == "kea.txt"
    between = (await ask("compare", base="main", head="fix/kea"))["item"]
    assert between["ahead_by"] == 1
    assert between["files"][0]["patch"].endswith("-green\n+red")
    pull = await ask("create_pull_request", title="Say red", head="fix/kea", base="main", body="Fixes #1")
    number, sha = pull["item"]["number"], pull["item"]["head_sha"]
    assert [each["filename"] for each in (await ask("list_pull_request_files", number=number))["items"]] == ["kea.txt"]
    hub.checks[sha] = [
        {"name": "tests", "status": "completed", "conclusion": "failure", "output": {"summary": "2 failed"}}
    ]
    assert (await ask("list_checks", ref="fix/kea"))["items"][0]["summary"] == "2 failed"
    await ask("set_status", sha=sha, state="success", context="review")
    assert (await ask("list_statuses", ref=sha))["items"][0]["context"] == "review"
    assert (await ask("merge_pull_request", number=number, sha=sha))["item"]["merged"] is True
    assert (await ask("get_file", path="kea.txt"))["item"]["text"] == "red\n"
    assert (await ask("get_pull_request", number=number))["item"]["merged"] is True
    assert (await ask("list_commits", path="kea.txt"))["items"][0]["message"] == "Say red"
    assert (await ask("get_commit", ref="main"))["item"]["files"][0]["filename"] == "kea.txt"
    assert [each["name"] for each in (await ask("list_branches"))["items"]] == ["fix/kea", "main"]
    assert (await ask("get_repository"))["item"]["default_branch"] == "main"


async def test_what_may_be_made_again_is_done_once(hub: GitHubServer) -> None:
    steps: list[tuple[str, dict[str, Any]]] = [
        ("create_branch", {"branch": "fix", "from": "main"}),
        ("write_file", {"path": "new.txt", "text": "new\n", "message": "Add", "branch": "fix"}),
        ("create_pull_request", {"title": "t", "head": "fix", "base": "main"}),
    ]
    for name, arguments in steps:
        first, second = await ask(name, **arguments), await ask(name, **arguments)
        assert OPERATIONS[f"GitHub.{name}"].repeats
        assert "was_there" not in first
        assert second["was_there"] is True
    sha = git(hub.repository("acme", "birds"), "rev-parse", "fix")
    for expected in (False, True):
        merged = await ask("merge_pull_request", number=1, sha=sha)
        assert merged.get("was_there", False) is expected
    assert len(hub.pulls()) == 1
    # What cannot be told apart from being wanted twice asks a person.
    assert not OPERATIONS["GitHub.create_issue"].repeats
    assert not OPERATIONS["GitHub.create_comment"].repeats


async def test_a_branch_that_stands_elsewhere_is_not_taken(hub: GitHubServer) -> None:
    await ask("create_branch", branch="fix", **{"from": "main"})
    await ask("write_file", path="new.txt", text="new\n", message="Add", branch="fix")
    with pytest.raises(ToolFailed, match="a branch 'fix' already"):
        await ask("create_branch", branch="fix", **{"from": "main"})


async def test_pages_are_followed_as_far_as_is_wanted(hub: GitHubServer) -> None:
    for number in range(130):
        await ask("create_issue", title=f"number {number}")
    hub.asked.clear()
    found = await ask("list_issues", max_results=120)
    assert len(found["items"]) == 120
    assert found["is_cut"] is True
    assert len(hub.asked) == 2
    assert len({each["number"] for each in found["items"]}) == 120
    assert (await ask("list_issues", max_results=300))["is_cut"] is False


async def test_a_next_page_elsewhere_is_not_asked_for(hub: GitHubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalServer(lambda _asked: []) as elsewhere:
        monkeypatch.setattr(hub, "url", elsewhere.url(""))
        for _ in range(3):
            await ask("create_issue", title="x")
        found = await ask("list_issues", max_results=1)
        assert found["is_cut"] is True
        assert elsewhere.asked == []


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        (
            Refused(403, "API rate limit exceeded", None, X_RateLimit_Remaining="0", X_RateLimit_Reset="1"),
            "Wait 1 seconds",
        ),
        (Refused(403, "You have exceeded a secondary rate limit", None, Retry_After="17"), "Wait 17 seconds"),
        (Refused(429, "Too many requests"), "Wait 60 seconds"),
        (Refused(502, "Bad gateway"), "Try again later"),
    ],
)
async def test_limits_and_troubles_are_for_later(hub: GitHubServer, refused: Refused, said: str) -> None:
    hub.refusals.append(refused)
    with pytest.raises(ToolUnavailable, match=said):
        await ask("list_branches")


async def test_refusals_are_told_in_words(hub: GitHubServer) -> None:
    with pytest.raises(ToolFailed, match=r"PullRequest\.head is invalid"):
        await ask("create_pull_request", title="t", head="nowhere", base="main")
    with pytest.raises(ToolFailed, match=r"Not Found\. Check the names"):
        await ask("get_issue", number=7)
    with pytest.raises(ToolFailed, match="The token in the vault is not valid") as wrong:
        await ask("list_issues", token="ghp_wrong")
    assert "ghp_wrong" not in str(wrong.value)
    hub.add("acme/nested", {"docs/a.md": "a"})
    with pytest.raises(ToolFailed, match="is a list"):
        await ask("get_file", repository="acme/nested", path="docs")


async def test_nobody_signed_in_reads_what_is_public_and_writes_nothing(hub: GitHubServer) -> None:
    assert (await ask("get_file", token=None, path="README.md"))["item"]["text"] == "Birds\n"
    hub.private.add(REPOSITORY)
    with pytest.raises(ToolFailed, match="Nobody was signed in"):
        await ask("get_file", token=None, path="README.md")
    hub.asked.clear()
    with pytest.raises(ToolFailed, match="put a token into the vault"):
        await ask("create_issue", token=None, title="x")
    assert hub.asked == []


@pytest.mark.parametrize("repository", ["acme", "acme/..", "acme/birds/../../user", "../x/y", "acme/birds?x", "a b/c"])
async def test_a_repository_is_an_owner_and_a_name(hub: GitHubServer, repository: str) -> None:
    with pytest.raises(ToolFailed, match="Write owner/name"):
        await ask("list_issues", repository=repository)
    assert hub.asked == []


@pytest.mark.parametrize("path", ["../../../user", "a/../../x", ".."])
async def test_no_argument_leads_to_another_part_of_the_api(hub: GitHubServer, path: str) -> None:
    with pytest.raises(ToolFailed, match="would lead elsewhere"):
        await ask("get_file", path=path)
    with pytest.raises(ToolFailed, match="would lead elsewhere"):
        await ask("compare", base="main", head=path)
    assert hub.asked == []


async def test_what_is_no_api_is_told_so(hub: GitHubServer) -> None:
    hub.raw = b"<html>Sign in to the hotel's network</html>"
    with pytest.raises(ToolFailed, match="not GitHub's API"):
        await ask("list_issues")


async def test_the_gate_stands_before_it(hub: GitHubServer, settings: Any) -> None:
    settings.EGRESS_ALLOW = ""
    with pytest.raises(EgressRefused):
        await ask("list_issues")
    with LocalServer(lambda _asked: redirect("http://169.254.169.254/latest/meta-data/")) as sly:
        settings.GITHUB_URL, settings.EGRESS_ALLOW = sly.url(""), f"127.0.0.1:{sly.port}"
        with pytest.raises((EgressRefused, Unreachable)):
            await ask("list_issues")


async def test_what_each_tool_promises(hub: GitHubServer) -> None:
    assert "GitHub.create_pull_request" in BUILT_IN
    toolbox = BuiltInToolbox(ToolRoom(egress=EgressPolicy(allow=parse_egress_allow("127.0.0.1"))))
    for name, operation in OPERATIONS.items():
        spec = toolbox.describe(name)
        assert spec.reads_only is not operation.writes
        assert ("write" in spec.capabilities_of({})) is operation.writes
        assert set(spec.capabilities_of({})) == {
            ("write" if operation.writes else "read"),
            "egress:127.0.0.1",
            "secret:github",
        }
        assert "secret:github" not in spec.capabilities_of({"token": "x"})
        assert spec.gives_untrusted
        assert spec.content <= set(spec.schema["properties"])  # type: ignore[arg-type]


async def test_a_pull_request_and_a_file_are_shown_before_they_are_made(hub: GitHubServer) -> None:
    toolbox = BuiltInToolbox(ToolRoom())
    written = {
        "repository": REPOSITORY,
        "path": "kea.txt",
        "text": "red\n",
        "message": "m",
        "branch": "main",
        "token": KEY,
    }
    shown = await toolbox.preview("GitHub.write_file", written)
    assert shown is not None
    assert "-green\n+red\n" in shown
    await ask("create_branch", branch="fix", **{"from": "main"})
    await ask("write_file", path="kea.txt", text="red\n", message="Say red", branch="fix")
    pull = {"repository": REPOSITORY, "title": "t", "head": "fix", "base": "main", "token": KEY}
    shown = await toolbox.preview("GitHub.create_pull_request", pull)
    assert shown is not None
    assert "--- kea.txt (modified)" in shown
    assert hub.pulls() == []
