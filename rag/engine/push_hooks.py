# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What hosts of repositories send when somebody pushes: who signed it, which delivery it is, and of which branch."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from codexos.kernel.sealing import is_same, mac
from rag.engine.git_wire import HEADS, TAGS

LONGEST_DELIVERY = 180
_HEX = re.compile(r"[0-9a-f]{64}")
# GitHub, Forgejo and Bitbucket; Gitea; whoever calls by hand may use the first.
_SIGNATURES = ("X-Hub-Signature-256", "X-Hub-Signature", "X-Gitea-Signature")
_DELIVERIES = ("X-GitHub-Delivery", "X-Gitea-Delivery", "X-Gitlab-Event-UUID", "X-Request-UUID", "Idempotency-Key")
_EVENTS = ("X-GitHub-Event", "X-Gitea-Event", "X-Gitlab-Event", "X-Event-Key")
_PUSHES = frozenset({"push", "push hook", "tag push hook", "repo:push", "create", "delete"})
_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Push:
    """One call. ``branch`` is the branch or tag that it is about, where it says so; ``usual`` the default branch."""

    delivery: str
    is_push: bool
    branch: str = ""
    usual: str = ""

    def concerns(self, branch: str) -> bool:
        """Tell whether a source that reads a branch ("" for the default one) may have something new."""
        wanted = branch or self.usual
        return self.is_push and (not self.branch or not wanted or self.branch == wanted)


def is_signed(headers: Mapping[str, str], body: bytes, *, secret: str) -> bool:
    """Tell whether a call was made by who knows the secret: by a signature over its body, or GitLab's bare token."""
    expected = mac(secret.encode(), body)
    offered = [headers.get(name, "").removeprefix("sha256=") for name in _SIGNATURES]
    fits = [is_same(expected, bytes.fromhex(each)) for each in offered if _HEX.fullmatch(each)]
    bare = headers.get("X-Gitlab-Token", "")
    return any([*fits, is_same(secret.encode(), bare.encode("utf-8", "replace"))])


def read_push(headers: Mapping[str, str], body: bytes) -> Push:
    """Return what was sent; ``headers`` knows its names in any case."""
    said = next((headers[name] for name in _DELIVERIES if headers.get(name)), "")
    delivery = said if said.isprintable() and len(said) <= LONGEST_DELIVERY else ""
    event = next((headers[name] for name in _EVENTS if headers.get(name)), "push").lower()
    told = _read(body)
    ref = _text(told, "ref")
    about = told.get("repository") or told.get("project")
    usual = _text(about, "default_branch") if isinstance(about, Mapping) else ""
    branch = ref.removeprefix(HEADS).removeprefix(TAGS)
    return Push(delivery or hashlib.sha256(body).hexdigest(), event in _PUSHES, branch, usual)


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return _NOTHING
    return read if isinstance(read, Mapping) else _NOTHING


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    return value if isinstance(value, str) else ""
