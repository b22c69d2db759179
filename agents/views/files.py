# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages of what runs made of their files: compared line by line, by step or in all, and to be taken along."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.pages import OrganizationPage
from accounts.rest.files import streamed_bytes, streamed_file
from agents.operations.artefacts import access_artefact
from agents.operations.workspaces import access_files

_DIGITS = 9


class RunFilesPage(OrganizationPage):
    """The files of one run."""

    template_name = "agents/run_files_page.html"

    def get(self, request: HttpRequest, run_id: str) -> HttpResponseBase:
        """Show what changed in all, or by the step that the query names."""
        files = access_files(self.actor, run_id)
        step = _step(request)
        changes = files.changes(step=step)
        return self.page(request, found=files.run, files=files, changes=changes, step=step)


class RunFilePage(OrganizationPage):
    """One file of a run, as bytes to keep."""

    def get(self, request: HttpRequest, run_id: str) -> HttpResponseBase:
        """Send the file that the query names, as it stands or as it stood behind a step."""
        found, pieces = access_files(self.actor, run_id).read(request.GET.get("path", ""), step=_step(request))
        return streamed_bytes(request, pieces, name=found.name, size=found.size)


class RunArtefactPage(OrganizationPage):
    """One file that a step left, as bytes to keep, or as the picture that the step's result shows."""

    def get(self, request: HttpRequest, run_id: str) -> HttpResponseBase:
        """Send the file that the query names."""
        step, name = request.GET.get("node", ""), request.GET.get("name", "")
        found = access_artefact(self.actor, run_id, step=step, name=name)
        return streamed_bytes(request, found.pieces, name=found.name, size=found.size, kind=found.shown_as)


class RunPatchPage(OrganizationPage):
    """What changed, as a patch."""

    def get(self, request: HttpRequest, run_id: str) -> HttpResponseBase:
        """Send what changed in all, or by one step."""
        patch = access_files(self.actor, run_id).patch(step=_step(request))
        return streamed_file(request, iter([patch]), content_type="text/x-diff; charset=utf-8", name="changes.patch")


def _step(request: HttpRequest) -> int | None:
    wanted = request.GET.get("step", "")
    return int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) <= _DIGITS else None
