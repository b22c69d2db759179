# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Git in the real sandbox against a real smart-HTTP remote: what it does, and what no repository gets it to do."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.adapters.folders import Folder
from agents.adapters.toolbox import BuiltInToolbox
from agents.adapters.tools.git_jobs import WORK, name_of, remote_at
from agents.adapters.tools.room import ToolRoom
from agents.adapters.workspaces.workspace import Workspace
from agents.engine.gate import Occasion
from agents.engine.tools import check_arguments, kept_result
from agents.engine.workspaces.errors import WorkspaceFull, WorkspacePathInvalid
from agents.errors import ToolFailed, ToolUnavailable
from codexos.kernel.asking import RequestInvalid
from codexos.kernel.ids import new_id
from tests.fakes.git_server import GitServer, git, make_repository, serve_git
from tests.sandbox.conftest import Served, serving

KEY = "key-7f3a9c51e2d84b60"
FILES: dict[str, str | bytes] = {"app.py": "def add(a, b):\n    return a - b\n", "docs/a.md": "A\n"}


@pytest.fixture
def remote(tmp_path: Path, settings: Any) -> Iterator[GitServer]:
    with serve_git(tmp_path / "remote") as running:
        make_repository(tmp_path / "remote" / "acme" / "birds.git", FILES)
        running.keys["acme/birds"] = KEY
        settings.EGRESS_ALLOW = running.url.removeprefix("http://")
        yield running


class Stand:
    """A run's tools with a workspace of their own, and where its files lie for a test to look at."""

    def __init__(self, served: Served, settings: Any) -> None:
        settings.SANDBOX_SOCKET = served.socket
        settings.FOLDER_SOCKET = Path(served.socket).with_name("folders.sock")
        self.name = str(new_id())
        self.place = served.folder / "folders" / self.name / "files"
        self.room = ToolRoom(files=Workspace(Folder(str(settings.FOLDER_SOCKET), self.name)))
        self.tools = BuiltInToolbox(self.room)

    async def __call__(self, name: str, /, **arguments: Any) -> Any:
        spec = self.tools.describe(name)
        check_arguments(spec, arguments)
        return kept_result(spec, await self.tools.call(name, arguments, on=Occasion(str(new_id())))).result


@pytest.fixture
def run(served: Served, settings: Any) -> Stand:
    return Stand(served, settings)


def address(remote: GitServer, name: str = "acme/birds") -> str:
    return f"{remote.url}/{name}.git"


async def test_from_a_clone_to_a_pushed_branch(remote: GitServer, run: Stand) -> None:
    cloned = await run("Git.clone", url=address(remote), token=KEY)
    assert (cloned["folder"], cloned["branch"]) == ("birds", "main")
    assert "added birds/app.py" in cloned["workspace"]["changed"]
    await run("Git.branch", name="fix/add")
    await run("FileWrite", path="birds/app.py", old_text="a - b", new_text="a + b")
    assert "app.py" in (await run("Git.status"))["text"]
    assert "+    return a + b" in (await run("Git.diff"))["text"]
    done = await run("Git.commit", message="Add, not subtract", author="Ada <ada@acme.example>")
    assert done["branch"] == "fix/add"
    assert "Add, not subtract" in (await run("Git.log", max_commits=1))["text"]
    shown = await run.tools.preview("Git.push", {"url": address(remote)})
    assert shown is not None
    assert "Ada: Add, not subtract" in shown
    assert "+    return a + b" in shown
    pushed = await run("Git.push", url=address(remote), token=KEY)
    assert pushed["branch"] == "fix/add"
    assert git(remote.root / "acme" / "birds.git", "rev-parse", "fix/add") == done["commit"] == pushed["commit"]
    # Again, as after a crash: nothing changes, and nothing fails.
    await run("Git.push", url=address(remote), token=KEY)
    assert remote.signed_in[-1] == "x-access-token"


async def test_a_key_reaches_the_process_that_signs_in_and_nothing_else(remote: GitServer, run: Stand) -> None:
    await run("Git.clone", url=address(remote), token=KEY)
    await run("Git.push", url=address(remote), branch="other", token=KEY)
    # The positive control: it was sent.
    assert remote.signed_in
    kept = [path for path in run.place.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert kept == []
    with pytest.raises(ToolFailed, match="not let in") as refused:
        await run("Git.push", url=address(remote), token="wrong-key-0123456789")
    assert "wrong-key" not in str(refused.value)
    with pytest.raises(ToolFailed, match="not let in"):
        await run("Git.clone", url=address(remote), into="again")
    with pytest.raises(ToolFailed, match="in the open"):
        await run("Git.push", url="http://git.example/acme/birds.git", token=KEY)


SPITEFUL = """
[core]
    fsmonitor = "touch $HERE/RAN-fsmonitor; false"
    hooksPath = $HERE/birds/hooks
    sshCommand = touch $HERE/RAN-ssh
    gitProxy = touch $HERE/RAN-proxy
    askPass = touch $HERE/RAN-askpass
    pager = touch $HERE/RAN-pager
[credential]
    helper = "!cat >>$HERE/STOLEN; touch $HERE/RAN-helper; #"
[url "http://127.0.0.1:9/stolen"]
    insteadOf = http://127.0.0.1
    pushInsteadOf = http://127.0.0.1
[http]
    proxy = http://127.0.0.1:9
    extraHeader = "X-Spite: yes"
[remote "origin"]
    url = http://127.0.0.1:9/elsewhere
    receivepack = touch $HERE/RAN-receivepack
[diff]
    external = touch $HERE/RAN-diff
[gc]
    auto = 1
[alias]
    push = "!touch $HERE/RAN-alias"
    status = "!touch $HERE/RAN-alias"
"""


async def test_what_a_checkout_says_of_itself_neither_runs_nor_leads_elsewhere(remote: GitServer, run: Stand) -> None:
    await run("Git.clone", url=address(remote), token=KEY)
    config = run.place / "birds" / ".git" / "config"
    config.write_text(config.read_text() + SPITEFUL.replace("$HERE", WORK))
    for name in ("pre-commit", "post-checkout", "pre-push", "reference-transaction", "post-index-change"):
        for folder in ("hooks", ".git/hooks"):
            hook = run.place / "birds" / folder / name
            hook.parent.mkdir(exist_ok=True)
            hook.write_text(f"#!/bin/sh\ntouch {WORK}/RAN-{name}\n")
            hook.chmod(0o755)
    await run("FileWrite", path="birds/new.txt", text="new\n")
    for command in ("status", "diff", "log"):
        await run(f"Git.{command}")
    await run("Git.branch", name="spite")
    await run("Git.commit", message="Spite")
    await run.tools.preview("Git.push", {"url": address(remote)})
    await run("Git.push", url=address(remote), token=KEY)
    assert git(remote.root / "acme" / "birds.git", "log", "-1", "--format=%s", "spite") == "Spite"
    assert [path.name for path in run.place.iterdir()] == ["birds"]
    # The positive control: by itself git does as it is told there.
    shown = await run(
        "Shell", command="cd birds && git -c safe.directory='*' status >/dev/null 2>&1; ls /work", workspace=True
    )
    assert "RAN-fsmonitor" in shown["stdout"]


async def test_a_push_is_shown_as_it_is_whatever_a_checkout_puts_in_its_place(remote: GitServer, run: Stand) -> None:
    # given a commit that a checkout says to read as another one
    await run("Git.clone", url=address(remote), token=KEY)
    await run("FileWrite", path="birds/app.py", old_text="a - b", new_text="a + b")
    harmless = (await run("Git.commit", message="Harmless"))["commit"]
    await run("FileWrite", path="birds/app.py", text="import spite\n")
    spiteful = (await run("Git.commit", message="Spite"))["commit"]
    instead = run.place / "birds" / ".git" / "refs" / "replace" / spiteful
    instead.parent.mkdir(parents=True)
    instead.write_text(f"{harmless}\n")
    # when people are shown what a push would send, then it is what it sends
    shown = await run.tools.preview("Git.push", {"url": address(remote)})
    assert shown is not None
    assert "+import spite" in shown


SPITE = "import spite\n"


def within(place: Path, *words: str, stdin: bytes = b"") -> str:
    """Run git in a checkout as what runs in the sandbox may."""
    return git(place, "-c", "safe.directory=*", *words, stdin=stdin)


def forge(place: Path, name: str, instead: str) -> None:
    """Have a checkout give another object where one is asked for by its name."""
    for pack in (place / ".git" / "objects" / "pack").glob("*.pack"):
        kept = pack.read_bytes()
        for each in pack.parent.glob(f"{pack.stem}.*"):
            each.unlink()
        within(place, "unpack-objects", "-q", stdin=kept)
    objects = place / ".git" / "objects"
    target = objects / name[:2] / name[2:]
    target.unlink()
    target.write_bytes((objects / instead[:2] / instead[2:]).read_bytes())


def moved_base(place: Path) -> None:
    within(place, "update-ref", "refs/remotes/origin/main", "HEAD")


def forged_base(place: Path) -> None:
    forge(place, within(place, "rev-parse", "HEAD~1"), within(place, "rev-parse", "HEAD"))


def forged_tree(place: Path) -> None:
    forge(place, within(place, "rev-parse", "HEAD~1^{tree}"), within(place, "rev-parse", "HEAD^{tree}"))


def cut_past(place: Path) -> None:
    (place / ".git" / "shallow").write_text(within(place, "rev-parse", "HEAD") + "\n")


def grafted(place: Path) -> None:
    (place / ".git" / "info").mkdir(exist_ok=True)
    (place / ".git" / "info" / "grafts").write_text(within(place, "rev-parse", "HEAD") + "\n")


def told_to_hide(place: Path) -> None:
    (place / ".git" / "info").mkdir(exist_ok=True)
    for at in (place / ".gitattributes", place / ".git" / "info" / "attributes"):
        at.write_text("* -diff\n*.py diff=hide binary\n")
    config = place / ".git" / "config"
    config.write_text(f'{config.read_text()}[diff "hide"]\n  textconv = true\n  command = true\n  binary = true\n')
    within(place, "add", ".gitattributes")
    within(place, "commit", "-q", "-m", "Attributes")


def came_and_went(place: Path) -> None:
    within(place, "rm", "-q", "app.py")
    within(place, "commit", "-q", "-m", "Tidy")


@pytest.mark.parametrize("hide", [moved_base, forged_base, forged_tree, cut_past, grafted, told_to_hide, came_and_went])
async def test_a_checkout_hides_nothing_of_what_a_push_would_send(
    remote: GitServer, run: Stand, hide: Callable[[Path], None]
) -> None:
    # given a commit that sandboxed code would rather not have looked at
    await run("Git.clone", url=address(remote), token=KEY)
    place = run.place / "birds"
    (place / "app.py").write_text(SPITE)
    within(place, "commit", "-q", "-a", "-m", "Spite")
    hide(place)
    # when people are shown what would be sent, then they see it, or that it cannot be shown
    shown = await run.tools.preview("Git.push", {"url": address(remote)})
    assert shown is not None
    assert "+import spite" in shown or "CANNOT BE SHOWN" in shown
    assert ("CANNOT" in shown) == hide.__name__.startswith("forged")


async def test_to_a_repository_that_nothing_is_known_of_all_is_shown(remote: GitServer, run: Stand) -> None:
    await run("Git.clone", url=address(remote), token=KEY)
    await run("FileWrite", path="birds/app.py", text="a = 1  # \u202e1 = b\n")
    await run("Git.commit", message="Spite")
    here = await run.tools.preview("Git.push", {"url": address(remote).removesuffix(".git")})
    elsewhere = await run.tools.preview("Git.push", {"url": address(remote, "acme/other")})
    assert here is not None
    assert elsewhere is not None
    assert "+A" in elsewhere
    assert "+A" not in here
    # What would turn the order of a line around is seen as what it is.
    assert "\\u202e1 = b" in here


async def test_what_came_between_the_look_and_the_push_is_not_pushed(remote: GitServer, run: Stand) -> None:
    await run("Git.clone", url=address(remote), token=KEY)
    wanted = {"url": address(remote), "branch": "b", "token": KEY}
    await run("FileWrite", path="birds/app.py", text="harmless = 1\n")
    await run("Git.commit", message="Harmless")
    await run.tools.preview("Git.push", wanted)
    await run("FileWrite", path="birds/app.py", text=SPITE)
    await run("Git.commit", message="Spite")
    with pytest.raises(ToolFailed, match="another commit than was shown"):
        await run("Git.push", **wanted)
    await run.tools.preview("Git.push", wanted)
    assert (await run("Git.push", **wanted))["branch"] == "b"


async def test_hooks_submodules_and_links_of_a_repository_are_harmless(
    remote: GitServer, run: Stand, tmp_path: Path, served: Served
) -> None:
    work = tmp_path / "made"
    work.mkdir()
    git(work, "init", "-q", "-b", "main")
    (work / "out").symlink_to("/etc/passwd")
    (work / "up").symlink_to("../../../../..")
    (work / ".gitmodules").write_text(f'[submodule "x"]\n  path = x\n  url = {remote.url}/acme/birds.git\n')
    (work / ".gitattributes").write_text("* filter=spite diff=spite\n")
    (work / ".githooks").mkdir()
    (work / ".githooks" / "post-checkout").write_text("#!/bin/sh\ntouch ../RAN\n")
    git(work, "add", "-A")
    git(work, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},x")
    git(work, "commit", "-q", "-m", "m")
    git(tmp_path, "clone", "-q", "--bare", str(work), str(remote.root / "acme" / "spite.git"))
    remote.asked.clear()
    await run("Git.clone", url=address(remote, "acme/spite"))
    assert not [path for _, path in remote.asked if "birds" in path]
    assert (run.place / "spite" / "out").is_symlink()
    assert not list((run.place / "spite" / "x").iterdir())
    with pytest.raises(Exception, match="link"):
        await run("FileRead", path="spite/out")
    for path in ("spite/up/tmp/x", "spite/.git/hooks/post-checkout"):
        with pytest.raises(Exception, match=r"link|git's own"):
            await run("FileWrite", path=path, text="x")
    assert not list(run.place.glob("RAN*"))


@pytest.fixture(scope="module")
def small() -> Iterator[Served]:
    """A service whose folders hold little."""
    with serving("--folder-bytes", "4000000") as running:
        yield running


async def test_a_clone_larger_than_a_workspace_is_ended(
    small: Served, remote: GitServer, settings: Any, tmp_path: Path
) -> None:
    place = tmp_path / "remote" / "acme"
    make_repository(place / "huge.git", {f"{n}.bin": os.urandom(1_000_000) for n in range(12)})
    # Small as long as it is packed.
    make_repository(place / "bomb.git", {f"{n}.bin": bytes(1_000_000) + b"%d" % n for n in range(12)})
    for name in ("acme/huge", "acme/bomb"):
        run = Stand(small, settings)
        with pytest.raises(WorkspaceFull, match=r"larger than a workspace|may hold 4000000 bytes"):
            await run("Git.clone", url=address(remote, name))


async def test_where_git_is_led(remote: GitServer, run: Stand, settings: Any) -> None:
    for url in (
        "file:///etc",
        "ext::sh -c id",
        "ssh://git@host/x",
        "git@host:x",
        "/etc",
        "http://name:key@127.0.0.1/x",
        "--upload-pack=touch /tmp/x",
        "http://",
        "http://h/x?y",
        "http://h\\x/y",
    ):
        with pytest.raises(RequestInvalid):
            await run("Git.clone", url=url)
    for url in (
        "http://169.254.169.254/latest/x.git",
        "http://10.0.0.1/x.git",
        "http://[::1]:1/x.git",
        "http://localhost:22/x",
    ):
        with pytest.raises((ToolFailed, ToolUnavailable)):
            await run("Git.clone", url=url, into="x")
    with pytest.raises(WorkspacePathInvalid):
        await run("Git.clone", url=address(remote), into="../x")
    for name in ("-f", "--upload-pack=x", "a..b", "a b", "x.lock", "@{-1}", "a\nb", ""):
        with pytest.raises(ToolFailed):
            name_of(name, what="branch")
    assert remote_at("https://github.com/a/b.git").origin == "https://github.com"


async def test_what_git_complains_of_is_told(remote: GitServer, run: Stand) -> None:
    with pytest.raises(ToolFailed, match="Clone a repository first"):
        await run("Git.status")
    remote.keys.pop("acme/birds")
    await run("Git.clone", url=address(remote))
    with pytest.raises(ToolFailed, match="already exists and is not an empty"):
        await run("Git.clone", url=address(remote))
    with pytest.raises(ToolFailed, match="invalid reference: nowhere"):
        await run("Git.checkout", ref="nowhere")
    with pytest.raises(ToolFailed, match="git said"):
        await run("Git.commit", message="Nothing")


async def test_what_each_command_promises(run: Stand, settings: Any) -> None:
    def touched(name: str, **arguments: Any) -> set[str]:
        return set(run.tools.describe(f"Git.{name}").capabilities_of(arguments))

    assert touched("clone", url="https://example.com/x.git") == {"read", "egress:example.com"}
    assert touched("push", url="http://127.0.0.1:8080/x.git") == {"write", "egress:127.0.0.1:8080"}
    assert touched("push", url="https://github.com/a/b.git") == {"write", "egress:github.com", "secret:github"}
    assert touched("push", url="https://github.com/a/b.git", token="t") == {"write", "egress:github.com"}
    assert touched("push", url="nonsense") == {"write", "egress:*"}
    assert touched("commit", message="x") == {"read"}
    settings.GITHUB_URL = "https://git.acme.example/api/v3"
    assert "secret:github" not in touched("push", url="https://github.com/a/b.git")
    assert "secret:github" in touched("push", url="https://git.acme.example/a/b.git")
