# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``codexos flows``: documents in files here, drafts and versions on the server."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from . import screen
from .client import Client, Sent, connect, quoted
from .documents import FlowText, read_flow
from .exits import Exit
from .faults import Fault, usage
from .parameters import AsJson, Commands, FlowFile, Project, Slug, number
from .versions import newer_server

app = Commands(help="List, check, send, fetch and publish flows.")
COLUMNS = ("slug", "name", "published", "updated", "kind")


def list_flows(
    *,
    limit: Annotated[str, typer.Option("--limit", metavar="N", help="How many at most, up to 200.")] = "50",
    as_json: AsJson = False,
) -> None:
    """List the flows you may see, newest first."""
    most = min(number(limit, called="--limit"), 200)
    flows = connect().get("/api/v1/flows/", limit=str(most))["results"]
    if as_json:
        screen.say_json(flows)
    else:
        screen.say_table(map(_row, flows), COLUMNS)


def validate_flow(file: FlowFile, *, as_json: AsJson = False) -> int:
    """Check a flow document and list everything that is wrong with it."""
    written, client = read_flow(file), connect()
    checked = _as_written(written, lambda flow: client.post("/api/v1/flows/validate/", flow))
    if as_json:
        screen.say_json(checked)
    else:
        screen.say(f"{file} {'is valid' if checked['is_valid'] else 'cannot run'}.")
        screen.tell_problems(_places(checked, file), stream=sys.stdout)
    return Exit.DONE if checked["is_valid"] else Exit.INVALID


def push_flow(
    file: FlowFile,
    *,
    project: Project = "",
    is_template: Annotated[bool, typer.Option("--template", help="Make it a template of the team.")] = False,
    is_published: Annotated[bool, typer.Option("--publish", help="Publish it at once.")] = False,
    as_json: AsJson = False,
) -> int:
    """Send a flow document: a new flow, or the draft of the one with its short name."""
    written, client = read_flow(file), connect()
    found = _existing(client, slug_of(written.name))
    if found is None:
        flow = _create(client, written, project=project, is_template=is_template)
    else:
        flow = _change(client, written, found=found)
    if is_published:
        flow["published_version"] = _publish(client, str(flow["id"]))["number"]
    if as_json:
        screen.say_json(flow)
    else:
        version = f", published as version {flow['published_version']}" if is_published else " as a draft"
        screen.say(f"{'Created' if found is None else 'Changed'} flow {flow['slug']}{version}.")
        screen.tell_problems(_places(flow, file))
    errors = [one for one in flow.get("problems") or () if one.get("severity", "error") == "error"]
    return Exit.INVALID if errors else Exit.DONE


def pull_flow(
    flow: Slug,
    *,
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Where to write; else stdout.")] = "",
    as_yaml: Annotated[bool, typer.Option("--yaml", help="As YAML.")] = False,
    is_forced: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Fetch a flow's draft as a document."""
    client = connect()
    if as_yaml or output.endswith((".yaml", ".yml")):
        with newer_server("Writing a flow as YAML"):
            text = client.call("GET", f"/api/v1/flows/{quoted(flow)}/export/?format=yaml").body.decode(
                "utf-8", "replace"
            )
    else:
        found = client.get(f"/api/v1/flows/{quoted(flow)}/")
        is_written = found.get("format") == "json" and isinstance(found.get("source"), str)
        text = found["source"] if is_written else json.dumps(found["document"], ensure_ascii=False, indent=2) + "\n"
    if not output:
        screen.say(text)
        return
    try:
        with Path(output).open("w" if is_forced else "x", encoding="utf-8") as target:
            target.write(text)
    except FileExistsError:
        raise usage(f"{output} is there already. Say --force to overwrite it.") from None
    except OSError as error:
        raise usage(f"{output} cannot be written: {error.strerror}.") from None
    screen.tell(f"Wrote {output}.")


def estimate_flow(
    flow: Slug,
    *,
    given: Annotated[str, typer.Option("--input", metavar="TEXT", help="What it would be run with.")] = "",
    is_draft: Annotated[bool, typer.Option("--draft", help="The draft as it stands.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what a run would cost: at least, as expected, at most."""
    sent = {"input": given, "draft": is_draft}
    found = connect().post(f"/api/v1/flows/{quoted(flow)}/estimate/", sent)
    if as_json:
        screen.say_json(found)
        return
    told = (_dollars(found[name]) for name in ("min_usd", "expected_usd", "max_usd"))
    screen.say("At least {}, expected {}, at most {}.".format(*told))
    for note in found["notes"]:
        screen.say(note)


def _dollars(amount: str | None) -> str:
    return "not known" if amount is None else f"${float(amount):.4f}"


def publish_flow(flow: Slug, *, as_json: AsJson = False) -> None:
    """Freeze a flow's draft as its next version, which is then what runs."""
    version = _publish(connect(), flow)
    if as_json:
        screen.say_json(version)
    else:
        screen.say(f"Published {flow} as version {version['number']}.")


def list_versions(flow: Slug, *, as_json: AsJson = False) -> None:
    """List a flow's published versions, newest first."""
    with newer_server("Listing versions"):
        answer = connect().get(f"/api/v1/flows/{quoted(flow)}/versions/", limit="200")
    versions = answer["results"] if isinstance(answer, dict) else answer
    if as_json:
        screen.say_json(versions)
    else:
        screen.say_table(map(_version_row, versions), ("number", "created", "logic"))


def restore_version(
    flow: Slug,
    version: Annotated[str, typer.Argument(metavar="N", help="The version's number.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Make an older version the draft again."""
    chosen = number(version, called="The version")
    with newer_server("Restoring a version"):
        answer = connect().post(f"/api/v1/flows/{quoted(flow)}/versions/{chosen}/restore/")
    _told(answer, f"Version {chosen} is the draft of {flow} again. Publish it to run it.", as_json=as_json)


def archive_flow(flow: Slug, *, as_json: AsJson = False) -> None:
    """Put a flow away: it runs no more and its runs are kept."""
    with newer_server("Archiving a flow"):
        answer = connect().post(f"/api/v1/flows/{quoted(flow)}/archive/")
    _told(answer, f"Archived {flow}.", as_json=as_json)


def slug_of(name: str) -> str:
    """Return the short name that a server gives to a flow of this name."""
    import re
    import unicodedata

    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    words = re.sub(r"[^\w\s-]", "", plain.lower())
    return re.sub(r"[-\s]+", "-", words).strip("-_")[:100] or "flow"


app.add(list_flows, "list")
app.add(push_flow, "push")
app.add(pull_flow, "pull")
app.add(validate_flow, "validate")
app.add(estimate_flow, "estimate")
app.add(publish_flow, "publish")
app.add(list_versions, "versions")
app.add(restore_version, "restore")
app.add(archive_flow, "archive")


def _existing(client: Client, slug: str) -> tuple[dict[str, Any], str] | None:
    try:
        answer = client.call("GET", f"/api/v1/flows/{quoted(slug)}/")
    except Fault as fault:
        if fault.exit_code is Exit.NOT_FOUND:
            return None
        raise
    return answer.json(), answer.header("ETag")


def _create(client: Client, written: FlowText, *, project: str, is_template: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"is_team_template": is_template}
    if project or client.profile.project:
        body["project_id"] = project or client.profile.project
    return _as_written(written, lambda flow: client.post("/api/v1/flows/", {**body, **flow}))


def _change(client: Client, written: FlowText, *, found: tuple[dict[str, Any], str]) -> dict[str, Any]:
    address, tag = f"/api/v1/flows/{quoted(found[0]['id'])}/", found[1]
    headers = {"If-Match": tag} if tag else {}
    with newer_server("Changing a flow"):
        return _as_written(
            written, lambda flow: client.call("PATCH", address, sent=Sent.of_json(flow), headers=headers).json()
        )


def _as_written(written: FlowText, send: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """Send a flow as it was written, comments and all; a server that takes no text gets the document."""
    try:
        return send({"source": written.text, "format": written.format})
    except Fault as fault:
        if fault.code != "invalid_input" or not {"source", "format"} & {place for place, _ in fault.problems}:
            raise
    return send({"document": written.document})


def _places(checked: Mapping[str, Any], file: str) -> Iterator[tuple[str, str]]:
    for one in checked.get("problems") or ():
        line = f"{file}:{one['line']}:{one['column']} " if one.get("line") else ""
        warning = "warning: " if one.get("severity") == "warning" else ""
        yield f"{line}{one['place']}", f"{warning}{one['message']}"


def _publish(client: Client, flow: str) -> dict[str, Any]:
    version: dict[str, Any] = client.post(f"/api/v1/flows/{quoted(flow)}/publish/")
    return version


def _told(answer: Any, sentence: str, *, as_json: bool) -> None:
    if as_json:
        screen.say_json(answer)
    else:
        screen.say(sentence)


def _row(flow: dict[str, Any]) -> dict[str, Any]:
    return {
        "slug": flow["slug"],
        "name": flow["name"],
        "published": flow["published_version"],
        "updated": str(flow["updated_at"])[:19] + "Z",
        "kind": "template" if flow.get("is_team_template") else "own",
    }


def _version_row(version: dict[str, Any]) -> dict[str, Any]:
    logic = str(version.get("logic_hash", ""))[:12]
    return {"number": version["number"], "created": str(version["created_at"])[:19] + "Z", "logic": logic}
