# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``codexos run``: sends what is local, starts a run, waits for its end and hands on its output."""

from typing import Annotated, Any

import typer

from .client import connect
from .documents import is_document, read_flow, read_input, read_object
from .exits import Exit
from .faults import usage
from .parameters import AsJson, Detach, Follow, Project
from .screen import say, say_json
from .uploads import send_context
from .watching import see_through

_ASYNC = {"Prefer": "respond-async"}


def run_flow(
    flow: Annotated[str, typer.Argument(metavar="FLOW", help="A JSON or YAML file, or a published flow's short name.")],
    *,
    given: Annotated[
        str, typer.Option("--input", "-i", metavar="TEXT", help="The input; @FILE for a file's text, - for stdin.")
    ] = "",
    given_object: Annotated[
        str, typer.Option("--object", metavar="JSON", help="The input as a JSON object; @FILE and - as above.")
    ] = "",
    context: Annotated[
        list[str], typer.Option("--context", "-c", metavar="FILE", help="A local file, or one of the project; again.")
    ] = [],  # noqa: B006 - typer reads it and hands on a list of its own
    project: Project = "",
    conversation: Annotated[
        str, typer.Option("--conversation", metavar="ID", help="The talk it belongs to, for flows that count by it.")
    ] = "",
    follow: Follow = False,
    detach: Detach = False,
    as_json: AsJson = False,
) -> int:
    """Run a flow and write its output."""
    if given and given_object:
        raise usage("Say --input or --object, not both.")
    body: dict[str, Any] = {"agent_id": flow, "input": read_object(given_object) if given_object else read_input(given)}
    if is_document(flow):
        written = read_flow(flow)
        body |= {"agent_id": written.name, "flow": written.document}
    client = connect()
    body["context"] = send_context(client, context, project=project)
    if project or client.profile.project:
        body["project_id"] = project or client.profile.project
    if conversation:
        body["conversation_id"] = conversation
    started = client.post("/agent/run", body, **_ASYNC)
    if detach:
        say_json(started) if as_json else say(started["id"])
        return Exit.DONE
    return see_through(client, started["id"], is_shown=follow, as_json=as_json)
