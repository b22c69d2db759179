# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How paths came to be what they are is taken from a repository, kept, and told of the chunks that stand there."""

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from accounts.tenancy import tenant
from rag.adapters.recency_leg import find_freshness
from rag.adapters.sources.chosen import folder_of
from rag.adapters.sources.git_history import GitHistory
from rag.engine.recency import explain
from rag.errors.sources import GitFailed
from rag.models import Chunk, PathHistory, SourceHistory
from rag.workers.histories import read_past
from tests.factories import World
from tests.rag.symbols.bases import Code, make_code

pytestmark = pytest.mark.django_db

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Repository:
    """A checkout, and the bare copy that a source's reader would have fetched."""

    def __init__(self, checkout: Path, folder: Path) -> None:
        self.checkout, self.bare = checkout, folder / "repository"
        checkout.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        self.day = 0

    def git(self, *words: str, author: str = "Ada") -> str:
        """Run git in the checkout."""
        at = (BEGAN + timedelta(days=self.day if hasattr(self, "day") else 0)).isoformat()
        env = {"PATH": "/usr/bin:/bin", "HOME": str(self.checkout), "GIT_CONFIG_NOSYSTEM": "1"}
        env |= {"GIT_COMMITTER_DATE": at, "GIT_AUTHOR_DATE": at}
        who = ("-c", f"user.name={author}", "-c", "user.email=a@example.com")
        done = subprocess.run(["git", *who, *words], cwd=self.checkout, env=env, check=True, capture_output=True)
        return done.stdout.decode()

    def commit(self, subject: str, files: dict[str, str], *, author: str = "Ada", amend: bool = False) -> str:
        """Commit files a day later, fetch, and return the commit's name."""
        self.day += 1
        for path, text in files.items():
            (self.checkout / path).parent.mkdir(parents=True, exist_ok=True)
            (self.checkout / path).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", subject, *(["--amend"] if amend else []), author=author)
        return self.fetch()

    def fetch(self) -> str:
        """Bring the bare copy up to date."""
        if not self.bare.exists():
            self.bare.parent.mkdir(parents=True, exist_ok=True)
            self.git("clone", "-q", "--bare", ".", str(self.bare))
        self.git("push", "-q", "-f", str(self.bare), "main")
        return self.git("rev-parse", "HEAD").strip()


@pytest.fixture
def code(world: World, settings: object, tmp_path: Path) -> Code:
    """An empty base of code, whose sources keep their things in a folder of this test."""
    settings.CODEXOS_HOME = tmp_path / "home"  # type: ignore[attr-defined]
    return make_code(world.dev, world.project)


@pytest.fixture
def repository(code: Code, tmp_path: Path) -> Iterator[Repository]:
    """The repository of the base's source."""
    return Repository(tmp_path / "checkout", folder_of(code.source))  # type: ignore[return-value]


def pasts(code: Code) -> dict[str, PathHistory]:
    """Return what is kept of each path."""
    with tenant(code.organization_id):
        rows = PathHistory.objects.for_organization(code.organization_id).filter(source=code.source)
        return {row.path: row for row in rows}


LINES = "".join(f"line {number}\n" for number in range(1, 13))


def test_what_commits_did_is_kept_and_grows(code: Code, repository: Repository) -> None:
    first = repository.commit("Begin", {"a.py": LINES, "b.py": "b\n"})
    assert read_past(code.source, commit=first) == 2
    assert read_past(code.source, commit=first) == 0
    second = repository.commit("Mend the end", {"a.py": LINES.replace("line 12", "the end")}, author="Grace")
    assert read_past(code.source, commit=second) == 1
    past = pasts(code)["a.py"]
    assert (past.commit, past.author, past.subject, past.commits) == (second, "Grace", "Mend the end", 2)
    assert past.authors == {"Ada": 1, "Grace": 1}
    assert pasts(code)["b.py"].commits == 1


def test_what_is_told_of_chunks(code: Code, repository: Repository) -> None:
    repository.commit("Begin", {"a.py": LINES})
    head = repository.commit("Mend the end", {"a.py": LINES.replace("line 12", "the end")}, author="Grace")
    read_past(code.source, commit=head)
    code.add("a.py", LINES)
    code.add("new.py", "nobody committed this\n")
    with tenant(code.organization_id):
        chunks = dict(
            Chunk.objects.for_organization(code.organization_id).order_by("ordinal").values_list("pk", "document__path")
        )
        now = BEGAN + timedelta(days=4)
        found = find_freshness(code.organization_id, list(chunks), now=now)
    said = [explain(found[pk], now=now) for pk, path in chunks.items() if path == "a.py"]
    assert said == [
        "these lines changed 3 days ago by Ada: Begin; 2 commits in 90 days",
        "these lines changed 2 days ago by Grace: Mend the end; 2 commits in 90 days",
    ]
    assert len(found) == 2


def test_renames_removals_and_history_written_anew(code: Code, repository: Repository) -> None:
    repository.commit("Begin", {"a.py": LINES, "b.py": "b\n"})
    repository.git("mv", "a.py", "c.py")
    repository.git("rm", "-q", "b.py")
    read_past(code.source, commit=repository.commit("Move", {}))
    assert {path: past.commits for path, past in pasts(code).items()} == {"c.py": 2}
    read_past(code.source, commit=repository.commit("Move anew", {"d.py": "d\n"}, amend=True))
    assert {path: past.subject for path, past in pasts(code).items()} == {"c.py": "Move anew", "d.py": "Move anew"}
    with tenant(code.organization_id):
        assert SourceHistory.objects.for_organization(code.organization_id).count() == 1


def test_who_wrote_which_lines(code: Code, repository: Repository) -> None:
    repository.commit("Begin", {"a.py": LINES})
    head = repository.commit("Mend the end", {"a.py": LINES.replace("line 12", "the end")}, author="Grace")
    history = GitHistory(folder_of(code.source))
    assert [(one.lines, one.author) for one in history.blame("a.py", commit=head, lines=(10, 12))] == [
        ((10, 11), "Ada"),
        ((12, 12), "Grace"),
    ]
    assert history.blame("gone.py", commit=head, lines=(1, 2)) == []
    with pytest.raises(GitFailed):
        list(history.changes(since="", until="--output=/tmp/x"))


def test_a_source_without_a_repository_has_no_past(code: Code, world: World) -> None:
    assert read_past(code.source, commit="a" * 40) == 0
    assert pasts(code) == {}


def test_another_organization_is_told_nothing(world: World, code: Code, repository: Repository) -> None:
    read_past(code.source, commit=repository.commit("Begin", {"a.py": LINES}))
    document = code.add("a.py", LINES)
    with tenant(code.organization_id):
        chunks = list(Chunk.objects.for_organization(code.organization_id).values_list("pk", flat=True))
    assert document.path == "a.py"
    with tenant(world.other.id):
        assert find_freshness(world.other.id, chunks, now=BEGAN) == {}
        assert find_freshness(code.organization_id, chunks, now=BEGAN) == {}
