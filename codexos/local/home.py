# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Where one installation keeps its state, and the private files in it."""

import errno
import hashlib
import os
import secrets
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from codexos.local.errors import LocalFault

CHECKOUT = Path(__file__).resolve().parents[2]
SOCKET_PATH_LIMIT = 107
LONGEST_SOCKET_NAME = "/db/.s.PGSQL.5432.lock"
FOLDERS_OF_ROOT = Path("/var/lib/codexos-sandbox")
SHORT_FOLDERS = Path("/tmp")  # noqa: S108 - its owner and mode are checked before use


@dataclass(frozen=True)
class Home:
    """One home: database, redis, keys, uploads and logs of one CodexOS."""

    root: Path

    @property
    def keys(self) -> Path:
        """Generated passwords and the master key."""
        return self.root / "keys"

    @property
    def logs(self) -> Path:
        """One rotated log per process."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """What is true only while it runs: pid files, the lock, the supervisor's settings, stamps."""
        return self.root / "run"

    @property
    def postgres(self) -> Path:
        """The data directory of the embedded PostgreSQL."""
        return self.root / "postgres"

    @property
    def redis(self) -> Path:
        """The append-only file of the embedded Redis."""
        return self.root / "redis"

    @property
    def collected(self) -> Path:
        """Where `collectstatic` puts files for a web server in front; empty when nobody runs it."""
        return self.root / "static"

    @property
    def bytecode(self) -> Path:
        """Compiled Python modules, where they may not be kept beside their sources. May be removed at any time."""
        return self.root / "bytecode"

    @property
    def demo(self) -> Path:
        """The demo sign-ins."""
        return self.root / "demo.json"

    @property
    def sockets(self) -> Path:
        """Where the Unix sockets are: in the home, or in a short private folder when the home's path is too long.

        Root's servers run as another user, who may not enter a private home: they always get the short folder.
        """
        inside = self.run / "sockets"
        if os.geteuid() != 0 and len(str(inside) + LONGEST_SOCKET_NAME) <= SOCKET_PATH_LIMIT:
            return inside
        return SHORT_FOLDERS / f"codexos-{os.geteuid()}-{self.digest}"

    @property
    def sandbox_socket(self) -> Path:
        """Where the sandbox listens; its keeper opens it, so that root's may lie in a private folder."""
        inside = self.run / "sandbox.sock"
        return inside if len(str(inside)) <= SOCKET_PATH_LIMIT else self.sockets / "sandbox.sock"

    @property
    def folders(self) -> Path:
        """Where jobs in the sandbox work; root's sandbox is another user, who may not enter a private home."""
        return FOLDERS_OF_ROOT / self.digest if os.geteuid() == 0 else self.root / "folders"

    @property
    def digest(self) -> str:
        """A short name of this home, different for every path."""
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:12]

    def prepare(self) -> None:
        """Make the home and its private folders. Raises LocalFault where that cannot be."""
        try:
            _make_root(self.root)
            for folder in (self.keys, self.logs, self.run, self.collected):
                make_private(folder)
        except OSError as error:
            raise LocalFault(
                f"The home {str(self.root)!r} cannot be used: {error.strerror} ({error.filename}). "
                "Make that folder writable for you, or name another one in CODEXOS_HOME."
            ) from error

    def prepare_sockets(self) -> None:
        """Make the folder of the sockets; root's servers must be able to pass through it, nobody else."""
        make_private(self.sockets, mode=0o711 if os.geteuid() == 0 else 0o700)

    def forget_run(self) -> None:
        """Remove what is true only while it runs."""
        for path in self.run.glob("*.pid"):
            path.unlink(missing_ok=True)
        shutil.rmtree(self.sockets, ignore_errors=True)


def _make_root(folder: Path) -> None:
    """Make the home itself; a mounted one may belong to somebody else as long as it can be written."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid == os.geteuid():
        folder.chmod(0o700)
    elif not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "it belongs to another user", str(folder))


def make_private(folder: Path, *, mode: int = 0o700) -> None:
    """Make a folder only this user can enter. Raises LocalFault where somebody else has put one in its place."""
    folder.mkdir(mode=mode, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise LocalFault(
            f"{str(folder)!r} belongs to somebody else (user {found.st_uid}) and is not used. "
            "Remove it, or name another home in CODEXOS_HOME."
        )
    if stat.S_IMODE(found.st_mode) != mode:
        folder.chmod(mode)


def home_named(given: str | None) -> Home:
    """The home a person named, or `.codexos` in the checkout."""
    return Home(Path(given).expanduser().resolve() if given else CHECKOUT / ".codexos")


def secret_text(home: Home, name: str, *, size: int = 24) -> str:
    """Return a generated secret, made at the first call and kept for this user only."""
    path = home.keys / name
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="utf-8").strip()
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(secrets.token_urlsafe(size) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return path.read_text(encoding="utf-8").strip()
