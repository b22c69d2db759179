# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a killed worker of this machine held is taken up at once; what somebody else holds is left alone."""

import asyncio
import os
import subprocess
import sys

import psycopg
import pytest

from agents.adapters.holders import is_gone, this_holder
from tests.agents.test_runs import working
from tests.agents.test_worker import accept, finished, writer
from tests.factories import World


def holder_of(process: int) -> str:
    return f"{this_holder().rpartition(':')[0]}:{process}"


@pytest.fixture
def ended() -> str:
    """The holder that was a process of this machine."""
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    return holder_of(child.pid)


def test_only_a_process_of_this_machine_that_has_ended_is_gone(ended: str) -> None:
    elsewhere = f"host:0123456789ab:{ended.rpartition(':')[2]}"
    assert is_gone(ended)
    strange = ("", "a", "a:b", "a:b:c", "::", f"host::{ended.rpartition(':')[2]}", f"{ended}x")
    assert [name for name in (this_holder(), holder_of(1), elsewhere, *strange) if is_gone(name)] == []


def test_a_process_that_nobody_fetched_has_ended_all_the_same() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert is_gone(holder_of(child.pid))


async def test_its_runs_are_taken_up_before_their_lease_lapses(
    committed_world: World, ended: str, truth: psycopg.Connection
) -> None:
    # given
    lost, left = [await asyncio.to_thread(accept, committed_world.dev) for _ in range(2)]
    for holder in (ended, "somebody"):
        one = writer(holder)
        await one.claim(1)
        await one.close()
    truth.execute("update agents_run set claimed_until = now() + interval '1 hour'")
    # when
    with working("heir"):
        await finished(truth, lost)
    # then
    rows = truth.execute("select claimed_by, epoch, status from agents_run where id = %s", [left]).fetchall()
    assert rows == [("somebody", 1, "running")]
