# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Fixtures of the conformance suite: every case is told once for each home that runs can have."""

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial

import psycopg
import pytest
from django.db import connections
from pytest_django.plugin import DjangoDbBlocker

from tests.agents.conformance.homes import MemoryHome, postgres_home
from tests.agents.conformance.stage import Home, Stage
from tests.conftest import see_the_truth, wipe
from tests.factories import World, make_world

Ground = tuple[World, psycopg.Connection]
SetStage = Callable[..., Stage]


@pytest.fixture(scope="package")
def ground(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Ground]:
    """Two organizations with their people, committed, and the truth: shared by the whole suite."""
    with django_db_blocker.unblock(), see_the_truth() as truth:
        yield make_world(), truth
        connections.close_all()
        wipe(truth)


@pytest.fixture(params=["memory", "postgres"])
def ground_of_home(request: pytest.FixtureRequest) -> Ground | None:
    """What the home stands on; memory needs nothing."""
    return request.getfixturevalue("ground") if request.param == "postgres" else None


@pytest.fixture
async def home(ground_of_home: Ground | None) -> AsyncIterator[Home]:
    """Where the runs of this case are kept."""
    if ground_of_home is None:
        yield MemoryHome()
        return
    async with postgres_home(*ground_of_home) as made:
        yield made


@pytest.fixture
def stage(home: Home) -> SetStage:
    """Set a stage for a run of a document: ``stage(flow(tool("a")), tools=[…])``."""
    return partial(Stage, home)
