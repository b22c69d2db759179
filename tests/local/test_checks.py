# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is in the way of a start is named, with what to do about it."""

import os
import shutil
import socket

import pytest

from codexos.local import checks
from codexos.local.errors import DiskFull, PortTaken
from codexos.local.home import Home


def test_a_taken_port_names_who_has_it_and_a_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"process {os.getpid()} .*PORT=\d+ bin/up"):
            checks.check_port("127.0.0.1", port)
        assert checks.next_free_port(port) > port


def test_a_free_port_is_fine() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    checks.check_port("127.0.0.1", port)


def test_a_full_disk_is_said_before_a_database_is_started_on_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    checks.check_disk(home)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(10**9, 10**9, 10**6))
    with pytest.raises(DiskFull, match="Free some space"):
        checks.check_disk(home)
