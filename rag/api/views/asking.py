# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the views of knowledge share: which project is meant, and answers with an ETag."""

import hashlib
from typing import Any
from uuid import UUID

from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actor import Actor
from accounts.queries.projects import access_project


def project_named(actor: Actor, name: str) -> Any:
    """Return the project that a parameter names; None where it names none. Raises ProjectNotFound."""
    return access_project(actor, name) if name else None


def tagged(data: Any, *, revision: int, status: int = 200, location: str = "") -> Response:
    """Answer with an ETag: the revision, by which edits are guarded, and a hash of all that is said."""
    digest = hashlib.sha256(JSONRenderer().render(data)).hexdigest()[:16]
    headers = {"ETag": f'"{revision}.{digest}"'}
    if location:
        headers["Location"] = location
    return Response(data, status=status, headers=headers)


def shown(shape: Any, row: Any, request: Request, **context: Any) -> Any:
    """Return a row as ``shape`` says it to whoever asks."""
    return shape(row, context={"request": request, **context}).data


def address(collection: str, id_: UUID) -> str:
    """Return where a thing is."""
    return f"/api/v1/{collection}/{id_}/"
