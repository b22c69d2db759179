# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A repository at GitHub as a source: git for its content; the API for why it does not open, and for an App's keys."""

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings

from codexos.kernel import clock
from codexos.kernel.asking import AskOptions
from codexos.kernel.http import HttpLimits
from codexos.kernel.sealing import SigningKeyInvalid
from rag.adapters.sources.git import GitReader
from rag.adapters.sources.git_remote import HttpRemote, Key
from rag.adapters.sources.outside import client, insist_success, plain_outside
from rag.engine.git_wire import Advertisement
from rag.engine.github_app import app_token
from rag.engine.ports import SourcePlace
from rag.engine.source_configs import HubRepository, read_hub_repository
from rag.errors.sources import SourceBroken, SourceRefused, SourceVanished

_LIMITS = HttpLimits(total_seconds=60, idle_seconds=30, body_bytes=5_000_000)
_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28", "User-Agent": "CodexOS"}
# They live for an hour.
_TOKEN_SECONDS = 3_000.0


def open_source(place: SourcePlace) -> GitReader:
    """Return the reader of a repository at GitHub, by a token, as an App, or as nobody. Raises SourceInvalid."""
    config = read_hub_repository(place.config)
    return GitReader(place, config.repository, HubRemote(config, secret=place.secret))


def git_address(name: str) -> str:
    """Return where git fetches a repository of the GitHub that the settings name."""
    api = urlsplit(settings.GITHUB_URL)
    host = "github.com" if api.hostname == "api.github.com" else api.hostname
    port = f":{api.port}" if api.port else ""
    return f"{api.scheme}://{host}{port}/{name}.git"


class HubRemote:
    """A repository at GitHub that is fetched from."""

    def __init__(self, config: HubRepository, *, secret: str) -> None:
        self.where = config.name
        self._api = HubApi(config, secret=secret)
        self._git = HttpRemote(git_address(config.name), key=self._api.key)

    def advertised(self) -> Advertisement:
        """Return what it says first; where it says no, the API is asked why."""
        try:
            return self._git.advertised()
        except (SourceRefused, SourceVanished):
            # To git, GitHub says the same of what is private, gone and misspelled.
            self._api.insist_visible()
            raise

    def ask(self, question: bytes) -> AbstractContextManager[Iterator[bytes]]:
        """See the port Remote."""
        return self._git.ask(question)

    def close(self) -> None:
        """See the port Remote."""
        self._git.close()


class HubApi:
    """What the API is asked about one repository."""

    def __init__(self, config: HubRepository, *, secret: str) -> None:
        self._config = config
        self._secret = secret
        self._token = ""
        self._until = 0.0

    @property
    def key(self) -> Key | None:
        """What gives the key for git; None where there is none."""
        return self._current if self._secret else None

    def insist_visible(self) -> None:
        """Do nothing where the repository may be seen. Raises SourceVanished, SourceRefused, SourceUnreachable."""
        self._ask("GET", f"/repos/{self._config.name}", bearer=self._current() if self._secret else "")

    def _current(self) -> str:
        if not self._config.app_id:
            return self._secret.strip()
        if time.monotonic() >= self._until:
            self._token, self._until = self._new_token(), time.monotonic() + _TOKEN_SECONDS
        return self._token

    def _new_token(self) -> str:
        """Return a key for this one repository, for reading alone, that GitHub gives the App for an hour."""
        name = self._config.name
        try:
            bearer = app_token(self._config.app_id, self._secret, now=clock.now())
        except SigningKeyInvalid:
            raise SourceRefused(
                name,
                because="the secret is no private key of an App",
                advice="Put the PEM file that GitHub gave for the App into the vault.",
            ) from None
        installation = self._config.installation_id
        if not installation:
            installation = str(self._ask("GET", f"/repos/{name}/installation", bearer=bearer).get("id", ""))
        wanted = {"repositories": [name.partition("/")[2]], "permissions": {"contents": "read"}}
        said = self._ask("POST", f"/app/installations/{installation}/access_tokens", bearer=bearer, json=wanted)
        if not isinstance(token := said.get("token"), str) or not token:
            raise SourceBroken(because="GitHub gave the App no key")
        return token

    def _ask(self, method: str, path: str, *, bearer: str, json: Any = None) -> Mapping[str, Any]:
        url = f"{settings.GITHUB_URL.rstrip('/')}{path}"
        headers = _HEADERS | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
        options = AskOptions(headers=headers, limits=_LIMITS)
        if json is not None:
            options["json"] = json
        with (
            plain_outside(self.where),
            client(carries_key=bool(bearer), limits=_LIMITS) as http,
            http.stream(method, url, **options) as stream,
        ):
            answer = stream.read()
            read = cast(Any, answer.json()) if "json" in answer.headers.get("content-type", "") else {}
            told = read if isinstance(read, Mapping) else {}
            said = str(told.get("message", ""))
            insist_success(stream, where=self.where, has_key=bool(bearer), said=said)
        return told

    @property
    def where(self) -> str:
        """How the repository is called in what goes wrong."""
        return self._config.name
