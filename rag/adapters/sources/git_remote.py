# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Where a repository is fetched from: a host, by our own client, or a folder of this machine that the operator opened.

Git itself never reaches out: what it would say to a host is said here (rag/engine/git_wire.py), so the egress rules,
redirects, limits and refusals of a repository are those of every request of the house, and its key stays in here.
"""

import base64
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from codexos.kernel.http import HttpLimits, ResponseTooLarge, origin_of
from rag.adapters.sources.git_process import Git
from rag.adapters.sources.outside import client, insist_success, plain_outside
from rag.engine.git_wire import Advertisement, Refs, ask_refs, read_advertisement, read_refs
from rag.errors.sources import SourceBroken, SourceInvalid, SourceOverLimit, SourceVanished

USER = "x-access-token"
"""What keys are signed in with: GitHub and GitLab look at the key alone."""
MOST_BYTES = 1024**3
_ADVERTISED = "application/x-git-upload-pack-advertisement"
_RESULT = "application/x-git-upload-pack-result"
_LIMITS = HttpLimits(total_seconds=40, idle_seconds=30, body_bytes=20 * 1024 * 1024)
_SECONDS = 1_800.0


Key = Callable[[], str]
"""Gives the key to sign in with, at the moment it is sent."""


class Remote(Protocol):
    """A repository that is fetched from."""

    where: str

    def advertised(self) -> Advertisement:
        """Return what it says first. Raises SourceRefused, SourceVanished, SourceUnreachable, SourceBroken."""

    def ask(self, question: bytes) -> AbstractContextManager[Iterator[bytes]]:
        """Give the pieces of its answer to a question. Raises what ``advertised`` does, and SourceOverLimit."""

    def close(self) -> None:
        """Let go of connections."""


def list_refs(remote: Remote, advertised: Advertisement, *, name: str = "") -> Refs:
    """Return every branch of a repository, or what a name can mean in it. Raises what asking does."""
    if advertised.version != 2:
        return Refs(advertised.refs, advertised.head)
    with remote.ask(ask_refs(advertised, name=name)) as pieces:
        return read_refs(pieces)


class HttpRemote:
    """A repository at a host, by git's smart protocol."""

    def __init__(self, url: str, *, key: Key | None = None, most_bytes: int = MOST_BYTES) -> None:
        self.where = url
        self._key = key
        self._most_bytes = most_bytes
        self._base = url
        self._version = 2
        self._client = client(carries_key=key is not None, limits=_LIMITS)

    def advertised(self) -> Advertisement:
        """See the port."""
        url = f"{self.where}/info/refs"
        with (
            plain_outside(self.where),
            self._client.stream(
                "GET", url, params={"service": "git-upload-pack"}, headers=self._headers(url)
            ) as answer,
        ):
            insist_success(answer, where=self.where, has_key=self._key is not None)
            if _type_of(answer.headers) != _ADVERTISED:
                raise SourceVanished(self.where, because="no git repository is served there by the smart protocol")
            found = read_advertisement(answer.chunks())
            # Where it moved to is asked from now on; a key goes no further than the host it was given for.
            self._base = answer.url.partition("?")[0].removesuffix("/info/refs")
            self._version = found.version
            return found

    @contextmanager
    def ask(self, question: bytes) -> Iterator[Iterator[bytes]]:
        """See the port."""
        url = f"{self._base}/git-upload-pack"
        headers = self._headers(url) | {"Content-Type": "application/x-git-upload-pack-request", "Accept": _RESULT}
        limits = HttpLimits(total_seconds=_SECONDS, idle_seconds=120, body_bytes=self._most_bytes, redirects=0)
        try:
            with (
                plain_outside(self.where),
                self._client.stream("POST", url, headers=headers, content=question, limits=limits) as answer,
            ):
                insist_success(answer, where=self.where, has_key=self._key is not None)
                if _type_of(answer.headers) != _RESULT:
                    raise SourceBroken(because=f"{self.where!r} did not answer as git does")
                yield answer.chunks()
        except ResponseTooLarge:
            raise SourceOverLimit(
                self.where, because=f"what was asked of it takes more than {self._most_bytes:,} bytes"
            ) from None

    def close(self) -> None:
        """See the port."""
        self._client.close()

    def _headers(self, url: str) -> dict[str, str]:
        headers = {"User-Agent": "git/2.40 (CodexOS)"}
        if self._version == 2:
            headers["Git-Protocol"] = "version=2"
        if self._key is not None and origin_of(url) == origin_of(self.where):
            signed_in = base64.b64encode(f"{USER}:{self._key()}".encode()).decode()
            headers["Authorization"] = f"Basic {signed_in}"
        return headers


class LocalRemote:
    """A repository in a folder of this machine: git's own server of it is asked, over pipes."""

    def __init__(self, path: str, *, allowed: list[Path]) -> None:
        place = Path(os.path.realpath(path))
        if not any(place == root or root in place.parents for root in allowed):
            raise SourceInvalid(
                "url", because="no repository of this machine may be read there; CODEXOS_SOURCE_FOLDERS can open it"
            )
        if not place.is_dir():
            raise SourceVanished(path, because="there is no such folder")
        self.where = path
        self._git = Git(place / ".git" if (place / ".git").is_dir() else place)

    def advertised(self) -> Advertisement:
        """See the port."""
        return read_advertisement(self._serve("--advertise-refs"))

    @contextmanager
    def ask(self, question: bytes) -> Iterator[Iterator[bytes]]:
        """See the port."""
        yield self._serve(stdin=question)

    def close(self) -> None:
        """See the port."""

    def _serve(self, *words: str, stdin: bytes = b"") -> Iterator[bytes]:
        settings = ["-c", "uploadpack.allowFilter=true", "-c", "uploadpack.allowAnySHA1InWant=true"]
        return self._git.stream(*settings, "upload-pack", "--stateless-rpc", "--strict", *words, ".", stdin=stdin)


def _type_of(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()
