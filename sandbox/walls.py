# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a slot is made of: the words for bubblewrap, and the few files that stand inside."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.jobs import MIB

USER = 1000
AGENT = "/opt/agent.py"
CONTROL, WORDS, SECCOMP, FIRST_FILE = 3, 4, 5, 6
"""The descriptors bubblewrap is started with."""
PROXY_PORT = 3128
_MACHINE_FOLDERS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_FROM_ETC = ("alternatives", "ld.so.cache", "ssl/certs", "ssl/openssl.cnf", "mime.types", "fonts", "java-17-openjdk")
_HIDDEN = ("/proc/keys", "/proc/key-users", "/proc/cmdline", "/proc/version_signature")


@dataclass(frozen=True, slots=True)
class Rooms:
    """How much fits into what a slot may write to. All of it is memory, and counts as the job's."""

    work: int = 512 * MIB
    out: int = 64 * MIB
    temporary: int = 256 * MIB
    shared: int = 128 * MIB


WRITTEN = ("/work", "/out", "/tmp", "/dev/shm")  # noqa: S108 - inside a slot
"""What a job may write to: where it stands, what is brought back, and two places for what is in between."""


@dataclass(frozen=True, slots=True)
class Inside:
    """What every slot sees of the machine, all of it read-only."""

    bubblewrap: str
    interpreter: str
    environment: str | None = None
    programs: str | None = None
    libraries: str | None = None
    is_unsafe: bool = False
    """No walls at all: for one who develops, alone, on a machine that cannot have any."""
    rooms: Rooms = field(default_factory=Rooms)

    def words(self, *, files: Sequence[str], folder: str | None, has_filter: bool = True) -> bytes:
        """Return the words for bubblewrap. ``files`` are copied from the descriptors after the filter's."""
        words = [*_NAMESPACES, *_PERSON, *_machine()]
        words += ["--setenv", "LD_LIBRARY_PATH", self.libraries] if self.libraries else []
        words += ["--ro-bind", self.environment, "/opt/codexos"] if self.environment else []
        words += ["--ro-bind", self.programs, "/opt/programs"] if self.programs else []
        words += [*_etc(), *self._written(folder)]
        for place, path in enumerate(files):
            words += ["--perms", "0444", "--file", str(FIRST_FILE + place), path]
        words += [word for path in _HIDDEN if os.path.exists(path) for word in ("--ro-bind", "/dev/null", path)]
        words += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/work"]
        words += ["--seccomp", str(SECCOMP)] if has_filter else []
        return b"".join(word.encode() + b"\0" for word in words)

    def _written(self, folder: str | None) -> list[str]:
        rooms = self.rooms
        work = ["--bind", folder, "/work"] if folder else ["--size", str(rooms.work), "--tmpfs", "/work"]
        words = [*work, "--size", str(rooms.out), "--tmpfs", "/out", "--size", str(rooms.temporary), "--tmpfs", "/tmp"]  # noqa: S108
        return [*words, "--proc", "/proc", "--dev", "/dev", "--size", str(rooms.shared), "--tmpfs", "/dev/shm"]  # noqa: S108


_NAMESPACES = (
    *("--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup"),
    *("--disable-userns", "--new-session", "--die-with-parent", "--clearenv", "--cap-drop", "ALL"),
)
_PERSON = ("--uid", str(USER), "--gid", str(USER), "--hostname", "sandbox")
SMALL_FILES = {
    "/etc/passwd": f"worker:x:{USER}:{USER}::/work:/bin/sh\nnobody:x:65534:65534::/:/usr/sbin/nologin\n",
    "/etc/group": f"worker:x:{USER}:\nnogroup:x:65534:\n",
    "/etc/hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}


def _machine() -> list[str]:
    """Show /usr, and the folders beside it the way this machine has them."""
    words = ["--ro-bind", "/usr", "/usr"]
    for name in _MACHINE_FOLDERS:
        place = Path("/", name)
        if place.is_symlink():
            words += ["--symlink", os.readlink(place).lstrip("/"), str(place)]
        elif place.is_dir():
            words += ["--ro-bind", str(place), str(place)]
    return words


def _etc() -> list[str]:
    words = ["--dir", "/etc"]
    for name in _FROM_ETC:
        if Path("/etc", name).exists():
            words += ["--ro-bind", f"/etc/{name}", f"/etc/{name}"]
    return words


def places_without_walls(root: str) -> tuple[str, ...]:
    """Make the folders of a slot without walls; return where they are, in the order of ``WRITTEN``."""
    paths = tuple(os.path.join(root, name) for name in ("work", "out", "tmp", "shm"))
    for path in paths:
        os.mkdir(path)
    return paths


def lack_of_bubblewrap(program: str | None) -> str | None:
    """Return what keeps this machine from having slots, with what to do about it; None where nothing is known to."""
    if program is None:
        return "bubblewrap is not installed: apt-get install bubblewrap (0.8 or newer)."
    told = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)
    if "--disable-userns" not in told.stdout + told.stderr:
        return f"{program} is older than 0.8 and cannot forbid nested namespaces: install bubblewrap 0.8 or newer."
    return None


def advice(said: str) -> str:
    """Return what to do where bubblewrap ``said`` why it does not start."""
    if Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").exists() and "uid map" in said:
        return "AppArmor forbids it user namespaces: give bwrap a profile with userns, as docs/sandbox.md shows."
    if "setting up uid map" in said or "No permissions to create" in said or "unshare" in said.lower():
        return (
            "User namespaces are off: sysctl kernel.unprivileged_userns_clone=1 and user.max_user_namespaces=15000; "
            "in a container, lift its seccomp profile as docs/sandbox.md shows."
        )
    if "proc" in said:
        return "A new /proc may not be mounted: in a container, say systempaths=unconfined as docs/sandbox.md shows."
    return "docs/sandbox.md says what it needs."
