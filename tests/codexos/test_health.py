# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""healthz says the process lives; readyz says what it is missing."""

from typing import Any

import pytest
from django.test import Client

from codexos import health
from tests.codexos.test_problems import check_problem


def test_alive_needs_nothing() -> None:
    # no fixture opens the database here: a query would fail the test
    assert Client().get("/healthz").json() == {"status": "ok"}


def test_ready(db: None) -> None:
    assert Client().get("/readyz").json() == {"status": "ok"}


def test_what_fails_is_named(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_args: Any) -> None:
        raise OSError("disk")

    monkeypatch.setattr(health, "_ask_redis", fails)
    problem = check_problem(Client().get("/readyz", headers={"Accept": "application/json"}), 503)
    assert problem["failing"] == ["redis"]
    assert "disk" not in str(problem)
