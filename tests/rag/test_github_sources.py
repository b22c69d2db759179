# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Repositories at GitHub as sources: opened by a token or as an App, and why they do not open."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from rag.adapters.sources import github
from rag.adapters.sources.git import GitReader
from rag.errors.sources import (
    SourceRefused,
    SourceUnreachable,
    SourceVanished,
)
from tests.fakes.gcp_kms import made_key
from tests.fakes.github import GitHubServer, Refused, serve_github
from tests.rag.test_repositories import FILES, listed, place_in


@pytest.fixture
def hub(tmp_path: Path, settings: Any) -> Iterator[GitHubServer]:
    with serve_github(tmp_path / "hub") as running:
        running.add("acme/birds", FILES)
        settings.EGRESS_ALLOW = running.url.removeprefix("http://")
        settings.GITHUB_URL = running.api
        yield running


def at_github(folder: Path, *, secret: str = "", **config: Any) -> GitReader:
    place = replace(place_in(folder, secret=secret, repository="acme/birds", **config), kind="github")
    return github.open_source(place)


def test_a_repository_at_github_opens_by_a_token(hub: GitHubServer, tmp_path: Path) -> None:
    (key,) = hub.keys
    assert "app.py" in listed(at_github(tmp_path, secret=key).look({}))
    assert hub.git.signed_in
    assert hub.asked == [], "the API's requests are counted, and not used where git says it all"


def test_an_app_reads_with_a_key_for_this_repository_alone(hub: GitHubServer, tmp_path: Path) -> None:
    private = made_key(1)
    hub.apps["7"] = private.public_key()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    assert "app.py" in listed(at_github(tmp_path, secret=pem, app_id=7).look({}))
    body = next(body for _, path, body in hub.asked if path.endswith("/access_tokens"))
    assert body == {"repositories": ["birds"], "permissions": {"contents": "read"}}
    assert "app.py" in listed(at_github(tmp_path / "2", secret=pem, app_id="7", installation_id=77).look({}))
    other = made_key(2).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(SourceRefused, match="JSON web token"):
        at_github(tmp_path / "3", secret=other, app_id="7").look({})
    with pytest.raises(SourceRefused, match="private key"):
        at_github(tmp_path / "4", secret="ghp_token", app_id="7").look({})


def test_github_says_why_it_does_not_open(hub: GitHubServer, tmp_path: Path) -> None:
    hub.private.add("acme/birds")
    with pytest.raises(SourceVanished, match="needs a key"):
        at_github(tmp_path).look({})
    with pytest.raises(SourceRefused, match="Bad credentials"):
        at_github(tmp_path, secret="ghp_wrong").look({})
    (key,) = hub.keys
    hub.git.refusals = [(403, {})]
    hub.refusals = [Refused(403, "API rate limit exceeded", x_ratelimit_remaining="0", x_ratelimit_reset="9")]
    with pytest.raises(SourceUnreachable, match="rate limit"):
        at_github(tmp_path, secret=key).look({})
    hub.git.refusals = [(404, {})]
    hub.refusals = [Refused(404, "Not Found")]
    with pytest.raises(SourceVanished):
        at_github(tmp_path, secret=key).look({})
