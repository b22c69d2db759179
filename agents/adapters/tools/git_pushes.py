# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a push would send, for people to decide about: seen so that nothing in the checkout can hide a part of it.

It begins at a commit that the repository was seen to have when it was cloned, which is kept where sandboxed code does
not get to; where none is known, all of it is shown. The objects are taken out of the checkout into another place,
where each is named anew by what it holds: one that says it is another is not found there. Attributes, settings, grafts,
replacements and indexes stay behind. What git takes for binary is named with its size, and not shown.
"""

import shlex
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from agents.adapters.folders import Folder
from agents.adapters.tools.git_jobs import Remote, inside, run_apart
from codexos.kernel.errors import CodexosError

PREVIEW_SECONDS = 4.5
"""A little less than a call is given to say what it would do."""
LONGEST_PREVIEW = 20_000
_NOTHING = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_LOG = "log --no-decorate --no-mailmap --no-notes --no-show-signature --no-color --no-ext-diff --no-textconv"
_SHOWN = "--no-ext-diff --no-textconv --no-color --ignore-submodules=none --submodule=short"


@dataclass(frozen=True, slots=True)
class Push:
    """What would be pushed from where: a commit, to a branch."""

    checkout: str
    commit: str
    branch: str


def repository_of(remote: Remote) -> str:
    """Return what two addresses of one repository share."""
    parts = urlsplit(remote.url)
    return f"{remote.origin}{parts.path.rstrip('/').removesuffix('.git')}"


async def what_is_pushed(folder: Folder, push: Push, *, remote: Remote, known: Sequence[str]) -> str:
    """Return the commits and changes that a repository is not ``known`` to have. Raises as jobs of git do."""
    said = await run_apart(folder, _script(push, known))
    text = said.decode("utf-8", "replace")
    return _seen(f"{push.commit[:12]} to {push.branch!r} of {remote.url}\n{text}")[: LONGEST_PREVIEW + 1]


def unshown(error: Exception) -> str:
    """Return what people read where it cannot be shown what a push would send."""
    because = error.message if isinstance(error, CodexosError) else "The repository is too large to be looked at now."
    return _seen(
        f"WHAT THIS WOULD PUSH CANNOT BE SHOWN. {because} Approve of it only if you know what the checkout holds."
    )[:LONGEST_PREVIEW]


def _script(push: Push, known: Sequence[str]) -> list[str]:
    own = shlex.quote(f"{inside(push.checkout)}/.git")
    newest_first = " ".join(shlex.quote(each) for each in reversed(known))
    return [
        "$GIT init -q --bare /tmp/way",
        "$GIT init -q --bare /tmp/seen",
        # What it is known to have is where looking ends, and so is where the checkout itself ends.
        f"if [ -f {own}/shallow ]; then cat {own}/shallow >/tmp/ends; else : >/tmp/ends; fi",
        f"printf '%s\\n' {push.commit} >/tmp/tips",
        f"for each in {newest_first}; do",
        f"  if GIT_ALTERNATE_OBJECT_DIRECTORIES={own}/objects $GIT --git-dir=/tmp/way"
        ' cat-file -e "$each^{commit}" 2>/dev/null; then',
        '    echo "$each" >>/tmp/tips; [ "$each" = ' + push.commit + ' ] || echo "$each" >>/tmp/ends',
        "  fi",
        "done",
        "if [ -s /tmp/ends ]; then sort -u /tmp/ends >/tmp/way/shallow; cp /tmp/way/shallow /tmp/seen/shallow; fi",
        f"GIT_ALTERNATE_OBJECT_DIRECTORIES={own}/objects $GIT --git-dir=/tmp/way"
        " pack-objects -q --revs --stdout --window=0 --delta-base-offset </tmp/tips"
        " | $GIT --git-dir=/tmp/seen index-pack --stdin >/dev/null",
        "export GIT_DIR=/tmp/seen",
        "base=; not=",
        f"for each in {newest_first}; do",
        '  if $GIT cat-file -e "$each^{commit}" 2>/dev/null; then base=${base:-$each}; not="$not ^$each"; fi',
        "done",
        'if [ -n "$base" ]; then echo "Since $base, which was cloned from there:"',
        'else echo "Nothing is known of what is there already, so this is all of it:"; fi',
        "echo",
        f"$GIT {_LOG} --format='%h %an: %B' --stat=150,100 --diff-merges=first-parent {push.commit} $not",
        "echo",
        f"$GIT diff {_SHOWN} ${{base:-{_NOTHING}}} {push.commit}",
        # What came and went again on the way is sent as well.
        f'if [ "$($GIT rev-list --count {push.commit} $not)" -gt 1 ]; then',
        '  echo; echo "One commit after another:"; echo',
        f"  $GIT {_LOG} --format='%n%h %s' -p --diff-merges=first-parent --ignore-submodules=none {push.commit} $not",
        "fi",
    ]


def _seen(text: str) -> str:
    """Return text in which nothing is invisible or turns the order of what is read around."""
    return "".join(
        each if each in "\n\t" or unicodedata.category(each) not in ("Cc", "Cf") else f"\\u{ord(each):04x}"
        for each in text
    )
