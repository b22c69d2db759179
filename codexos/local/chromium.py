# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The browser of the browser tests: the machine's own Chromium, installed by the system's package manager."""

import os
import shutil
import subprocess

from codexos.local.errors import LocalFault
from codexos.local.terminal import say, step

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL = "apt-get install -y --no-install-recommends chromium"


def find() -> str | None:
    """Where Chromium is; as root on Debian it is installed when missing."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found or os.geteuid() != 0 or not shutil.which("apt-get"):
        return found
    with step("chromium") as shown:
        shown.note("installing, for the browser tests")
        for words in (["apt-get", "-q", "update"], INSTALL.split()):
            run = subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        shown.note("installed" if run.returncode == 0 else f"apt-get failed: {run.stderr.strip()[-60:]}")
    return shutil.which(NAMES[0])


def words_for_pytest() -> list[str]:
    """Nothing where there is a browser; else the words that leave its tests out, said loudly.

    Raises LocalFault under CI, where they may not be left out.
    """
    if find():
        return []
    if os.environ.get("CI"):
        raise LocalFault(f"There is no Chromium and CI is set, so the browser tests must run. As root: {INSTALL}")
    say("\n!!! No Chromium on this machine: THE BROWSER TESTS ARE LEFT OUT.")
    say(f"!!! To have them: sudo {INSTALL}\n")
    return ["-m", "not browser"]
