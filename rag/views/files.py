# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages of a project's files."""

from urllib.parse import quote, urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.pages import OrganizationPage
from accounts.queries.projects import access_project, list_projects
from accounts.rest.problems import problem_of
from accounts.roles import Permission
from codexos.kernel.errors import CodexosError
from rag.errors import ContextUnreadable
from rag.operations.contents import Preview, preview_text
from rag.operations.files import delete_file, store_file
from rag.queries.files import access_file, access_version, count_bytes, list_folder, list_versions

FILES_ON_A_PAGE = 100
_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_LARGEST_PICTURE_BYTES = 10 * 1024 * 1024


class ProjectChoicePage(OrganizationPage):
    """Whose files? Asked only where there is more than one answer."""

    template_name = "rag/projects.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the projects, or go to the only one."""
        projects = list_projects(self.actor, cursor=request.GET.get("cursor"))
        if len(projects.rows) == 1 and "cursor" not in request.GET:
            return redirect("folder", projects.rows[0].slug)
        return self.page(request, projects=projects.rows, **self.page_links(request, projects))


class FolderPage(OrganizationPage):
    """One folder of a project's files."""

    template_name = "rag/folder.html"

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        """Show what lies in the folder, folders first."""
        return self._show(request, project)

    def post(self, request: HttpRequest, project: str) -> HttpResponse:
        """Store the files of a form: the way of browsers without scripts."""
        prefix = list_folder(self.actor, project, folder=request.GET.get("folder", ""), limit=1).prefix
        sent = request.FILES.getlist("file")
        try:
            for file in sent:
                name = f"{prefix}{file.name}"
                store_file(self.actor, project, path=name, chunks=file.chunks(), expected_bytes=file.size)
        except CodexosError as error:
            problem = problem_of(error)
            return self._show(request, project, problem=problem.detail, status=problem.status)
        stored = ngettext("%(count)s file is stored.", "%(count)s files are stored.", len(sent)) % {"count": len(sent)}
        messages.success(request, stored if sent else _("No file was chosen."))
        return redirect(folder_address(project, prefix))

    def _show(self, request: HttpRequest, project: str, *, status: int = 200, problem: str = "") -> HttpResponse:
        place = access_project(self.actor, project)
        asked = request.GET
        folder = list_folder(
            self.actor, project, folder=asked.get("folder", ""), cursor=asked.get("cursor"), limit=FILES_ON_A_PAGE
        )
        above = folder_address(place.slug, folder.prefix.rstrip("/").rpartition("/")[0])
        return self.page(
            request,
            status=status,
            problem=problem,
            project=place,
            folder=folder,
            folders=[(name, count, folder_address(place.slug, folder.prefix + name)) for name, count in folder.folders],
            trail=trail_of(place.slug, folder.prefix),
            above_url=above if folder.prefix else "",
            may_write=self.actor.may(Permission.WRITE_FILES, place),
            upload_url=f"{content_address(place.pk, folder.prefix)}{{name}}",
            max_bytes=settings.FILE_SIZE_LIMIT,
            used_bytes=count_bytes(self.actor, project),
            limit_bytes=settings.PROJECT_SIZE_LIMIT,
            **self.page_links(request, folder.files),
        )


class FilePage(OrganizationPage):
    """One file: what it holds, and what it held."""

    template_name = "rag/file.html"

    def get(self, request: HttpRequest, project: str, path: str) -> HttpResponse:
        """Show a version of the file, the current one by default, and all of them in a list."""
        place = access_project(self.actor, project)
        number = request.GET.get("version")
        version = access_version(self.actor, project, path, number=number)
        file = version.file
        versions = list_versions(self.actor, project, path, cursor=request.GET.get("cursor"), limit=20)
        is_picture = version.media_type in _PICTURES and version.size <= _LARGEST_PICTURE_BYTES
        return self.page(
            request,
            project=place,
            file=file,
            version=version,
            is_current=version.pk == file.current_id,
            versions=versions.rows,
            preview=self._preview(project, path, number=number),
            is_picture=is_picture,
            trail=trail_of(place.slug, file.path.rpartition("/")[0]),
            download_url=f"{content_address(place.pk, file.path)}{_version_query(number)}",
            content_url=content_address(place.pk, file.path),
            may_write=self.actor.may(Permission.WRITE_FILES, place),
            question=question(place.slug, file.path),
            **self.page_links(request, versions),
        )

    def _preview(self, project: str, path: str, *, number: str | None) -> Preview | None:
        try:
            return preview_text(self.actor, project, path, number=number)
        except ContextUnreadable:
            return None


class DeleteFilePage(OrganizationPage):
    """A question before a file is lost."""

    template_name = "rag/delete.html"

    def get(self, request: HttpRequest, project: str, path: str) -> HttpResponse:
        """Ask."""
        file = access_file(self.actor, project, path, to=Permission.WRITE_FILES)
        return self.page(request, project=project, file=file, question=question(project, file.path))

    def post(self, request: HttpRequest, project: str, path: str) -> HttpResponse:
        """Delete it and go to its folder."""
        delete_file(self.actor, project, path=path)
        messages.success(request, _("%(path)s is deleted.") % {"path": path})
        return redirect(folder_address(project, path.rpartition("/")[0]))


def question(project: str, path: str) -> dict[str, str]:
    """Return what is asked before a file is deleted."""
    return {
        "title": _("Delete %(name)s?") % {"name": path.rpartition("/")[2]},
        "text": _("The file and all its versions are deleted for good. Runs that read it keep their results."),
        "action_label": _("Delete file"),
        "action_url": reverse("delete-file", args=[project, path]),
        "keep_url": reverse("file", args=[project, path]),
    }


def folder_address(project: str, folder: str) -> str:
    """Return the address of a folder's page."""
    query = f"?{urlencode({'folder': folder.strip('/')})}" if folder else ""
    return reverse("folder", args=[project]) + query


def content_address(project_id: object, path: str) -> str:
    """Return the API's address of a file's content."""
    return reverse("project-files", args=[str(project_id)]) + quote(path)


def trail_of(project: str, folder: str) -> list[tuple[str, str]]:
    """Return name and address of every folder down to ``folder``."""
    names = folder.strip("/").split("/") if folder else []
    return [(name, folder_address(project, "/".join(names[: n + 1]))) for n, name in enumerate(names)]


def _version_query(number: str | None) -> str:
    return f"?{urlencode({'version': number})}" if number else ""
