# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The page that starts a run."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.pages import OrganizationPage
from accounts.roles import Permission
from agents.errors import RunContentExpired, RunNotFound
from agents.forms.runs import StartRunForm
from agents.forms.shaped import initial_of
from agents.operations.estimates import estimate_flow
from agents.operations.runs import RunRequest, start_run
from agents.queries.flows import access_flow, choose_runnable_flow, list_runnable_flows
from agents.queries.inputs import InputShape, input_shape
from agents.queries.runs import access_content
from codexos.kernel.errors import CodexosError
from rag.operations.files import store_file
from rag.queries.files import list_files

MOST_FILES_OFFERED = 50


class StartRunPage(OrganizationPage):
    """A form that starts a run of a flow: its published version, or with ``?draft=1`` its draft as it stands.

    ``?from=`` names a run whose input and files it begins with.
    """

    template_name = "agents/start.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form for the flow that was chosen, or for the first one there is."""
        flow = choose_runnable_flow(self.actor, request.GET.get("flow"))
        return self._show(request, flow, form=self._form(flow) if flow else None)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Start the run and go to its page; what is wrong is shown beside the field."""
        flow = access_flow(self.actor, request.GET.get("flow", ""), to=Permission.RUN_FLOWS)
        form = self._form(flow, data=request.POST, sent=request.FILES)
        if form.is_valid():
            try:
                return redirect("run", self._start(form, flow))
            except CodexosError as error:
                form.add_error(None, error.message)
        return self._show(request, flow, form=form, status=422)

    def _show(self, request: HttpRequest, flow: Any, *, form: StartRunForm | None, status: int = 200) -> HttpResponse:
        others = [other for other in list_runnable_flows(self.actor) if flow is None or other.pk != flow.pk]
        context = {"flow": flow, "form": form, "others": others}
        if flow:
            may_write = self.actor.may(Permission.WRITE_FILES, flow)
            context |= {
                "is_draft": self._is_draft(flow),
                "steps": _steps(self._document(flow)),
                "upload_url": f"{reverse('project-files', args=[str(flow.project_id)])}{{name}}" if may_write else "",
                "max_bytes": settings.FILE_SIZE_LIMIT,
                "before": self._before,
                "estimate": self._estimate(flow),
            }
        return self.page(request, status=status, **context)

    @cached_property
    def _before(self) -> Any:
        """The run that this one begins like; one that is gone changes nothing."""
        try:
            return access_content(self.actor, self.request.GET["from"]) if self.request.GET.get("from") else None
        except (RunNotFound, RunContentExpired):
            return None

    def _is_draft(self, flow: Any) -> bool:
        return flow.published is None or self.request.GET.get("draft") == "1"

    def _document(self, flow: Any) -> Any:
        return flow.draft if self._is_draft(flow) else flow.published.document

    def _form(self, flow: Any, *, data: Any = None, sent: Any = None) -> StartRunForm:
        files = list_files(self.actor, flow.project_id, limit=MOST_FILES_OFFERED).rows
        before = self._before
        given = before.input if before else None
        shape: InputShape = input_shape(self._document(flow), like=given)
        initial = initial_of(shape, given)
        if before and before.project_id == flow.project_id:
            initial["context"] = [file["path"] for file in before.context]
        return StartRunForm(data, sent, shape=shape, files=[file.path for file in files], initial=initial)

    def _estimate(self, flow: Any) -> Any:
        """What the run would cost; a flow that cannot run says why elsewhere."""
        given = self._before.input if self._before else ""
        try:
            return estimate_flow(self.actor, str(flow.pk), given=given, is_draft=self._is_draft(flow))
        except CodexosError:
            return None

    def _start(self, form: StartRunForm, flow: Any) -> UUID:
        asked = form.cleaned_data
        context = list(asked["context"])
        for upload in asked["upload"]:
            stored = store_file(
                self.actor, flow.project_id, path=upload.name, chunks=upload.chunks(), expected_bytes=upload.size
            )
            context.append(stored.file.path)
        is_draft = self._is_draft(flow)
        wanted = RunRequest(
            agent_id=_("%(name)s (draft)") % {"name": flow.name[:180]} if is_draft else str(flow.id),
            document=flow.draft if is_draft else None,
            input=asked["input"],
            context=list(dict.fromkeys(context)),
            project=str(flow.project_id),
            draft_of=flow if is_draft else None,
        )
        return start_run(self.actor, request=wanted).id


def _steps(document: Any) -> list[dict[str, str]]:
    """Return what is shown of each node of a document, which may be unfinished."""
    nodes = document.get("nodes")
    drawn = [node for node in nodes if isinstance(node, Mapping)] if isinstance(nodes, list) else []
    return [_step(node) for node in drawn]


def _step(node: Any) -> dict[str, str]:
    config = node.get("config")
    said = {**node, **config} if isinstance(config, Mapping) else node
    kind = str(said.get("type") or "")
    return {"id": str(said.get("id") or ""), "kind": kind, "by": str(said.get("model") or said.get("tool") or kind)}
