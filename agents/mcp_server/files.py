# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Files of projects as resources: ``codexos://projects/<short name>/files/<path>``."""

import base64
import json
from typing import NamedTuple
from urllib.parse import quote, unquote

import mcp_types as types

from accounts.actor import Actor
from accounts.queries.projects import list_projects
from agents.mcp_server.errors import ResourceTooLarge, ResourceUnknown
from agents.mcp_server.problems import invalid
from agents.mcp_server.sending import Sender, ask
from rag.operations.contents import read_content
from rag.queries.files import access_version, list_files

SCHEME = "codexos://projects/"
_FILES = "/files/"
MOST_BYTES = 2 * 1024 * 1024
PER_PAGE = 100


class Place(NamedTuple):
    """How far a list has come: through the projects, and through the files of one."""

    projects: str | None = None
    project: int = 0
    files: str | None = None


def templates() -> types.ListResourceTemplatesResult:
    """Return how files are addressed."""
    template = types.ResourceTemplate(
        name="file",
        title="A file of a project",
        uri_template=f"{SCHEME}{{project}}{_FILES}{{+path}}",
        description="The current content of a file, by the short name of its project and its path.",
    )
    return types.ListResourceTemplatesResult(resource_templates=[template])


async def list_resources(sender: Sender, cursor: str | None) -> types.ListResourcesResult:
    """Return a page of the files that the sender sees, project by project."""
    found, following = await ask(sender, _page, sender.actor, _place_in(cursor))
    return types.ListResourcesResult(resources=found, next_cursor=following)


async def read_resource(sender: Sender, uri: str) -> types.ReadResourceResult:
    """Return what a file holds now. Raises ResourceUnknown, ResourceTooLarge and what the files raise."""
    return types.ReadResourceResult(contents=[await ask(sender, _content, sender.actor, uri)])


def _page(actor: Actor, place: Place) -> tuple[list[types.Resource], str | None]:
    projects = list_projects(actor, cursor=place.projects, limit=PER_PAGE)
    rows = projects.rows[place.project :]
    if not rows:
        return [], None
    files = list_files(actor, rows[0].pk, cursor=place.files, limit=PER_PAGE)
    found = [
        types.Resource(
            uri=f"{SCHEME}{rows[0].slug}{_FILES}{quote(file.path)}",
            name=file.path,
            title=f"{rows[0].slug}/{file.path}",
            mime_type=file.current.media_type or None,
            size=file.current.size,
        )
        for file in files.rows
    ]
    if files.next_cursor:
        return found, _cursor(place._replace(files=files.next_cursor))
    if len(rows) > 1:
        return found, _cursor(Place(place.projects, place.project + 1))
    return found, _cursor(Place(projects.next_cursor)) if projects.next_cursor else None


def _content(actor: Actor, uri: str) -> types.TextResourceContents | types.BlobResourceContents:
    project, stroke, path = uri.removeprefix(SCHEME).partition(_FILES)
    if not uri.startswith(SCHEME) or not stroke:
        raise ResourceUnknown(uri=uri)
    version = access_version(actor, unquote(project), unquote(path))
    if version.size > MOST_BYTES:
        raise ResourceTooLarge(uri=uri, size_bytes=version.size, limit_bytes=MOST_BYTES)
    content = b"".join(read_content(version))
    if version.is_text:
        text = content.decode(version.encoding, errors="replace")
        return types.TextResourceContents(uri=uri, mime_type=version.media_type or None, text=text)
    return types.BlobResourceContents(
        uri=uri, mime_type=version.media_type or None, blob=base64.b64encode(content).decode()
    )


def _cursor(place: Place) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _place_in(cursor: str | None) -> Place:
    if not cursor:
        return Place()
    try:
        projects, index, files = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
        return Place(projects and str(projects), max(0, int(index)), files and str(files))
    except (ValueError, TypeError, UnicodeError) as error:
        raise invalid("This cursor is none of ours. List the resources from the beginning.") from error
