# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What stands in a slot before its command does: it says it is ready, waits for one job, and becomes it.

It runs inside, by itself, before anything untrusted does. It is started for every slot, so it loads next to nothing.
"""

import _socket
import array
import marshal
import os
import resource
import sys

CONTROL, WORDS = 3, 4


def main() -> None:
    """Hand over the folders that are written to and the door to the proxy, then become the command."""
    control = _socket.socket(fileno=CONTROL)
    # Without walls the places of this slot are told in what would be the words for bubblewrap.
    paths = sys.argv[2:] or os.read(WORDS, 65536).decode().split("\0")
    os.chdir(paths[0])
    folders = [os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in paths]
    door = _door(int(sys.argv[1]))
    handed = array.array("i", [*folders, door.fileno()])
    control.sendmsg([b"ready"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, handed)])
    for descriptor in folders:
        os.close(descriptor)
    door.close()
    asked = marshal.loads(_exactly(control, int.from_bytes(_exactly(control, 4), "big")))  # noqa: S302 - the service's
    for path, size in asked["files"]:
        _put(control, path, size)
    control.close()
    become(asked)


def _door(port: int) -> "_socket.socket":
    """Listen inside; who holds what is handed over answers from outside."""
    door = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    door.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
    door.bind(("127.0.0.1", port))
    door.listen(64)
    return door


def _exactly(control: "_socket.socket", size: int) -> bytes:
    """Return so many bytes. Everything is over where nobody is there to give any."""
    parts = []
    while size:
        part = control.recv(min(size, 65536))
        if not part:
            os._exit(0)
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _put(control: "_socket.socket", path: str, size: int) -> None:
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    with open(path, "wb") as file:
        while size:
            part = _exactly(control, min(size, 1048576))
            file.write(part)
            size -= len(part)


def become(asked: dict) -> None:  # type: ignore[type-arg]
    """Take the limits on, close everything that is not the command's, and become it."""
    for name, value in asked["limits"].items():
        number = getattr(resource, name)
        _soft, hard = resource.getrlimit(number)
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(number, (most, most))
    os.umask(0o022)
    os.closerange(3, 4096)
    command = asked["command"]
    os.environ["PATH"] = asked["env"]["PATH"]
    try:
        os.execvpe(command[0], command, asked["env"])  # noqa: S606 - that is what it is for
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
        os._exit(127 if isinstance(error, FileNotFoundError) else 126)


if __name__ == "__main__":
    main()
