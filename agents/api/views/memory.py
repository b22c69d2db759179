# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Memory over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import OrganizationAPIView, expected_revisions, page_params, paginated
from agents.api.memory_shapes import AcceptMemoryBody, ChangeMemoryBody, MemoryEntryShape, MemoryQuery
from agents.operations.memory import MemoryEdit, accept_memory, change_memory, forget_memory
from agents.queries.memory import MemoryFilter, access_memory, list_memory


def _answer(entry: Any) -> Response:
    return Response(MemoryEntryShape(entry).data, headers={"ETag": f'"{entry.version}.{int(entry.is_quarantined)}"'})


class MemoryListView(OrganizationAPIView):
    """``/api/v1/memory/``."""

    @extend_schema(parameters=[MemoryQuery], responses=MemoryEntryShape(many=True))
    def get(self, request: Request) -> Response:
        """List what agents keep, newest first."""
        asked, params = MemoryQuery.parse(request.query_params), page_params(request)
        which = MemoryFilter(
            asked["scope"],
            project=asked["project_id"],
            flow=asked["flow_id"],
            conversation=asked["conversation_id"],
            search=asked["search"],
            quarantined=asked["quarantined"],
        )
        page = list_memory(self.actor_of(request), which=which, cursor=params.cursor, limit=params.limit)
        return paginated(request, page, MemoryEntryShape)


class MemoryEntryView(OrganizationAPIView):
    """``/api/v1/memory/<id>/``."""

    @extend_schema(responses=MemoryEntryShape)
    def get(self, request: Request, memory: str) -> Response:
        """Return an entry."""
        return _answer(access_memory(self.actor_of(request), memory))

    @extend_schema(request=ChangeMemoryBody, responses=MemoryEntryShape)
    def patch(self, request: Request, memory: str) -> Response:
        """Change the value of an entry, its label, or when it expires."""
        said: dict[str, Any] = ChangeMemoryBody.parse(request.data)
        edit = MemoryEdit(
            value=(said["value"],) if "value" in said else None,
            label=said.get("label"),
            expires_at=(said["expires_at"],) if "expires_at" in said else None,
        )
        return _answer(change_memory(self.actor_of(request), memory, edit=edit, expected=expected_revisions(request)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, memory: str) -> Response:
        """Forget an entry for good."""
        forget_memory(self.actor_of(request), memory, expected=expected_revisions(request))
        return Response(status=204)


class AcceptMemoryView(OrganizationAPIView):
    """``/api/v1/memory/<id>/accept/``."""

    @extend_schema(request=AcceptMemoryBody, responses=MemoryEntryShape)
    def post(self, request: Request, memory: str) -> Response:
        """Let runs read an entry that was written from text of strangers, in place of what is under its key."""
        said = AcceptMemoryBody.parse(request.data)
        return _answer(accept_memory(self.actor_of(request), memory, label=said["label"]))
