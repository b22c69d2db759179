# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The files of runs over HTTP."""

from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import OrganizationAPIView
from accounts.rest.files import FileAPIView, streamed_bytes, streamed_file
from agents.operations.artefacts import access_artefact
from agents.operations.workspaces import Changes, access_files
from codexos.kernel.errors import InvalidInput

_STEP = OpenApiParameter("step", int, description="As it was behind the step of this number; now where it is left out.")
PATCH = "text/x-diff; charset=utf-8"
_DIGITS = 9


class FilesStepShape(serializers.Serializer[Any]):
    """What one step made of the files."""

    number = serializers.IntegerField()
    node_id = serializers.CharField(help_text="The step, by its key.")
    snapshot = serializers.CharField(help_text="The hash of all files behind it.")
    changed = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()), help_text="How and where."
    )
    left_out = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    file_count = serializers.IntegerField()
    total_bytes = serializers.IntegerField()
    is_base = serializers.BooleanField(help_text="What the run began with or checked out.")
    created_at = serializers.DateTimeField()


class WorkspaceShape(serializers.Serializer[Any]):
    """The files of a run, step by step."""

    steps = FilesStepShape(many=True)
    changed = serializers.DictField(child=serializers.CharField(), source="paths", help_text="In all, by path.")


class KeptFileShape(serializers.Serializer[Any]):
    """A file as it stood."""

    path = serializers.CharField()
    mode = serializers.CharField(help_text="As git writes it: 100644, 100755 for a program, 120000 for a link.")
    sha256 = serializers.CharField()
    size = serializers.IntegerField()


class FileListShape(serializers.Serializer[Any]):
    """The files behind a step."""

    files = KeptFileShape(many=True)


class FileDiffShape(serializers.Serializer[Any]):
    """How a file differs."""

    path = serializers.CharField()
    kind = serializers.ChoiceField(choices=["added", "changed", "removed"], source="change.kind")
    shape = serializers.ChoiceField(choices=["text", "binary", "large"])
    added = serializers.IntegerField()
    removed = serializers.IntegerField()


class ChangesShape(serializers.Serializer[Any]):
    """What differs."""

    count = serializers.IntegerField()
    added = serializers.IntegerField()
    removed = serializers.IntegerField()
    files = FileDiffShape(many=True)
    others = serializers.SerializerMethodField(help_text="Files there were too many of to compare.")
    patch = serializers.SerializerMethodField(help_text="As git applies it; binary and very long files are left out.")

    def get_others(self, changes: Changes) -> list[str]:
        """List their paths."""
        return [change.path for change in changes.others]

    def get_patch(self, changes: Changes) -> str:
        """Write it."""
        return changes.patch


class WorkspaceView(OrganizationAPIView):
    """``/api/v1/runs/<id>/workspace/``."""

    @extend_schema(operation_id="get_run_workspace", responses=WorkspaceShape)
    def get(self, request: Request, run_id: str) -> Response:
        """Say what each step made of the run's files."""
        return Response(WorkspaceShape(access_files(self.actor_of(request), run_id)).data)


class WorkspaceChangesView(OrganizationAPIView):
    """``/api/v1/runs/<id>/workspace/changes/``."""

    @extend_schema(operation_id="compare_run_files", parameters=[_STEP], responses=ChangesShape)
    def get(self, request: Request, run_id: str) -> Response:
        """Compare what one step changed, or what all of them have since the run's checkout."""
        files = access_files(self.actor_of(request), run_id)
        return Response(ChangesShape(files.changes(step=_step(request))).data)


class WorkspaceFilesView(OrganizationAPIView):
    """``/api/v1/runs/<id>/workspace/files/``."""

    @extend_schema(operation_id="get_run_files", parameters=[_STEP], responses=FileListShape)
    def get(self, request: Request, run_id: str) -> Response:
        """List the files of a run, as they are or as they were behind a step."""
        files = access_files(self.actor_of(request), run_id)
        return Response(FileListShape({"files": files.list_files(step=_step(request))}).data)


class WorkspaceFileView(FileAPIView):
    """``/api/v1/runs/<id>/workspace/file/``."""

    @extend_schema(
        operation_id="get_run_file",
        parameters=[_STEP, OpenApiParameter("path", str, required=True)],
        responses={(200, "application/octet-stream"): bytes},
    )
    def get(self, request: Request, run_id: str) -> HttpResponseBase:
        """Return the bytes of a file."""
        files = access_files(self.actor_of(request), run_id)
        found, pieces = files.read(request.query_params.get("path", ""), step=_step(request))
        return streamed_bytes(request._request, pieces, name=found.name, size=found.size)


class ArtefactView(FileAPIView):
    """``/api/v1/runs/<id>/artefact/``."""

    @extend_schema(
        operation_id="get_run_artefact",
        parameters=[
            OpenApiParameter("step", str, required=True, description="The step that left it, by its key."),
            OpenApiParameter("name", str, required=True, description="As the step's result tells of it."),
        ],
        responses={(200, "application/octet-stream"): bytes},
    )
    def get(self, request: Request, run_id: str) -> HttpResponseBase:
        """Return a file that a step left, such as a figure of PythonExec."""
        step, name = (request.query_params.get(each, "") for each in ("step", "name"))
        found = access_artefact(self.actor_of(request), run_id, step=step, name=name)
        return streamed_bytes(request._request, found.pieces, name=found.name, size=found.size)


class WorkspacePatchView(FileAPIView):
    """``/api/v1/runs/<id>/workspace/patch/``."""

    @extend_schema(operation_id="get_run_patch", parameters=[_STEP], responses={(200, "text/x-diff"): str})
    def get(self, request: Request, run_id: str) -> HttpResponseBase:
        """Return what changed as a patch that git applies."""
        files = access_files(self.actor_of(request), run_id)
        pieces = iter([files.patch(step=_step(request))])
        return streamed_file(request._request, pieces, content_type=PATCH, name="changes.patch")


def _step(request: Request) -> int | None:
    wanted = request.query_params.get("step")
    if wanted is None:
        return None
    if not (wanted.isascii() and wanted.isdigit() and len(wanted) <= _DIGITS):
        message = "step must be the number of a step that changed files: see the list of them."
        raise InvalidInput(message, errors=[{"place": "step", "message": message}])
    return int(wanted)
