# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A home belongs to one start at a time; what a killed start left is ended, and nobody else's process ever is."""

import os
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from codexos.local.errors import HomeBusy
from codexos.local.home import Home
from codexos.local.leftovers import clear_leftovers, held, holder_of, is_held, leftovers, remember


@pytest.fixture
def sleeper() -> "Iterator[subprocess.Popen[bytes]]":
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
        yield child
        child.kill()


def test_a_second_start_is_told_who_holds_the_home(home: Home) -> None:
    with held(home, doing="bin/up", url="http://127.0.0.1:8123"):
        assert is_held(home)
        words = rf"process {os.getpid()} \(bin/up\).*http://127.0.0.1:8123.*CODEXOS_HOME="
        with pytest.raises(HomeBusy, match=words), held(home, doing="bin/up"):
            pytest.fail("two at once")
        found = holder_of(home)
        assert found is not None
        assert found.pid == os.getpid()
    assert not is_held(home)
    assert holder_of(home) is None


def test_a_leftover_of_this_home_is_ended(home: Home, sleeper: "subprocess.Popen[bytes]") -> None:
    made = psutil.Process(sleeper.pid).create_time()
    (home.run / "web.pid").write_text(f"{sleeper.pid} {made:.2f}\n")
    assert [process.pid for process in leftovers(home)] == [sleeper.pid]
    assert clear_leftovers(home) == 1
    assert not psutil.pid_exists(sleeper.pid)
    assert list(home.run.glob("*.pid")) == []


def test_a_number_given_to_a_stranger_since_is_left_alone(home: Home, sleeper: "subprocess.Popen[bytes]") -> None:
    made = psutil.Process(sleeper.pid).create_time()
    (home.run / "web.pid").write_text(f"{sleeper.pid} {made - 100:.2f}\n")
    (home.run / "db.pid").write_text("garbage\n")
    (home.run / "redis.pid").write_text("999999999 1.0\n")
    assert clear_leftovers(home) == 0
    assert sleeper.poll() is None


def test_a_process_recognizes_itself(home: Home) -> None:
    remember(home, "web")
    assert [process.pid for process in leftovers(home)] == [os.getpid()]
