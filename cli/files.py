# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``codexos files``: what a project holds."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from . import screen
from .client import connect, quoted
from .faults import usage
from .parameters import AsJson, Commands, Project
from .uploads import address_of, project_of, send_file, target_of

app = Commands(help="List, send and fetch a project's files.")


def list_files(
    *,
    prefix: Annotated[str, typer.Option("--prefix", metavar="PATH", help="Only paths that begin so.")] = "",
    project: Project = "",
    as_json: AsJson = False,
) -> None:
    """List files by path."""
    client = connect()
    place = quoted(project_of(client, project))
    rows = client.get(f"/api/v1/projects/{place}/files/", prefix=prefix, limit="200")["results"]
    if as_json:
        screen.say_json(rows)
    else:
        screen.say_table(rows, ("path", "version", "size", "media_type"))


def put_file(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A local file.")],
    *,
    target: Annotated[str, typer.Option("--as", metavar="PATH", help="Where it goes; else as it is named.")] = "",
    project: Project = "",
) -> None:
    """Send a file, unless the project holds the same."""
    client, path = connect(), Path(file)
    place = target or target_of(path)
    if send_file(client, path, project=project_of(client, project), target=place) is None:
        screen.tell(f"{place} is the same already.")


def get_file(
    path: Annotated[str, typer.Argument(metavar="PATH", help="A file of the project.")],
    *,
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Where to write; else stdout.")] = "",
    project: Project = "",
) -> None:
    """Fetch a file."""
    client = connect()
    body = client.call("GET", address_of(project_of(client, project), path)).body
    if not output:
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
        return
    try:
        Path(output).write_bytes(body)
    except OSError as error:
        raise usage(f"{output} cannot be written: {error.strerror}.") from None
    screen.tell(f"Wrote {output}.")


app.add(list_files, "list")
app.add(put_file, "put")
app.add(get_file, "get")
