# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Files of a project: local ones are sent before a run names them, and only where the server holds something else."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from .client import Client, Sent, quoted
from .exits import Exit
from .faults import Fault, usage
from .screen import tell


def project_of(client: Client, named: str) -> str:
    """Return the project that is meant: the named one, the sign-in's, or the only one there is. Raises Fault."""
    if named or client.profile.project:
        return named or client.profile.project
    found = [str(row["slug"]) for row in client.get("/api/v1/projects/", limit="20")["results"]]
    if len(found) == 1:
        return found[0]
    hint = f"--project may be {', '.join(found)}" if found else "you see no project yet"
    raise Fault(f"Say which project: {hint}.", exit_code=Exit.INVALID)


def send_context(client: Client, names: Sequence[str], *, project: str) -> list[str]:
    """Return the names a run is given, after the local files among them were sent. Raises Fault."""
    local = local_files(names)
    if not local:
        return list(names)
    place = project_of(client, project)
    for target, path in local.items():
        send_file(client, path, project=place, target=target)
    return [target_of(Path(name)) if Path(name).exists() else name for name in names]


def local_files(names: Sequence[str]) -> dict[str, Path]:
    """Return the local files among the names, by the path each gets in the project. Raises Fault."""
    found: dict[str, Path] = {}
    for name in names:
        path = Path(name)
        if not path.exists():
            if os.path.isabs(name) or name.startswith("."):
                raise usage(f"{name} cannot be read: there is no such file.")
            continue
        target = target_of(path)
        if found.get(target, path) != path:
            raise usage(f"{found[target]} and {path} would both become {target}. Send them with codexos files put.")
        found[target] = path
    return found


def target_of(path: Path) -> str:
    """Return where in a project a local file goes: as it is named below here, else by its bare name."""
    if path.is_dir():
        raise usage(f"{path} is a folder. Name the files in it.")
    parts = PurePosixPath(path.as_posix())
    return path.name if parts.is_absolute() or ".." in parts.parts else parts.as_posix()


def send_file(client: Client, path: Path, *, project: str, target: str) -> Mapping[str, object] | None:
    """Send a file, unless the project holds the same; return what was stored. Raises Fault."""
    try:
        with path.open("rb") as file:
            digest, length = hashlib.file_digest(file, "sha256").hexdigest(), os.fstat(file.fileno()).st_size
            address = address_of(project, target)
            held = _held(client, address)
            if held.strip('"') == digest:
                return None
            file.seek(0)
            # What somebody else sent meanwhile is not overwritten unseen.
            guard = {"If-Match": held} if held else {"If-None-Match": "*"}
            sent = Sent(file, length, "application/octet-stream")
            stored: dict[str, object] = client.call("PUT", address, sent=sent, headers=guard).json()
    except OSError as error:
        raise usage(f"{path} cannot be read: {error.strerror or error}.") from None
    tell(f"Sent {path} as {target}, version {stored.get('version')}.")
    return stored


def address_of(project: str, target: str) -> str:
    """Return the address of a file."""
    return f"/api/v1/projects/{quoted(project)}/files/{quote(target)}"


def _held(client: Client, address: str) -> str:
    try:
        return client.call("HEAD", address).header("ETag")
    except Fault as fault:
        if fault.exit_code in (Exit.UNAVAILABLE, Exit.BROKEN):
            raise
        # A refused HEAD has no words: where it is more than a file that is not there, the PUT is told why.
        return ""
