# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""One flow: its draft in the editor, what goes out with publishing, its versions, its settings."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.pages import OrganizationPage
from accounts.roles import Permission
from agents.forms.flows import FlowSettingsForm, PublishForm
from agents.operations.checking import vocabulary
from agents.operations.flows import FlowEdit, archive_flow, change_flow, fork_flow, unarchive_flow
from agents.operations.pinning import check_draft, check_publishable
from agents.operations.versions import publish_flow, restore_version
from agents.queries.flows import access_changeable_flow, access_flow, may_change_flow
from agents.queries.versions import (
    DRAFT,
    access_revision,
    access_version,
    diff_versions,
    diff_with_published,
    list_revisions,
    list_versions,
)
from codexos.kernel.errors import Conflict, InvalidInput

VERSIONS_SHOWN = 50


class FlowPage(OrganizationPage):
    """A page of one flow, named ``flow`` in its route; ``tab`` is the one it stands under."""

    tab = "edit"

    @cached_property
    def flow(self) -> Any:
        """The flow it is about. Raises FlowNotFound."""
        return access_flow(self.actor, self.kwargs["flow"])

    def page(self, request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
        """Render the page under the flow's head."""
        flow, actor = self.flow, self.actor
        known = {
            "flow": flow,
            "tab": self.tab,
            "may_change": may_change_flow(actor, flow) and not flow.is_archived,
            "may_fork": actor.may(Permission.CREATE_AGENTS, flow),
            "may_run": actor.may(Permission.RUN_FLOWS, flow) and not flow.is_archived,
            "reason": self.reason(),
        }
        return super().page(request, status=status, **known, **context)

    def reason(self) -> str:
        """Say why the flow is not this person's to change; empty where it is."""
        flow, actor = self.flow, self.actor
        if flow.is_archived:
            return _("This flow is archived: it is neither changed nor started.")
        if may_change_flow(actor, flow):
            return ""
        if not actor.may(Permission.CREATE_AGENTS, flow):
            return _("Your role may look at flows, not change them.")
        if flow.is_team_template:
            return _("This is a team template: leads of its team change it. Fork it to make it your own.")
        return _("This flow belongs to %(who)s. Fork it to make it your own.") % {"who": flow.owner}

    def done(self, request: HttpRequest, text: str, *, to: str = "flow") -> HttpResponse:
        """Say what was done and go on, so that a reload repeats nothing."""
        messages.success(request, text)
        return redirect(to, self.flow.pk)


# What is saved by script is not in the page as it was fetched: Back must fetch it anew, not show the draft from before.
@method_decorator(never_cache, name="dispatch")
class FlowEditorPage(FlowPage):
    """The draft as text, checked while one writes."""

    template_name = "agents/flow.html"

    def get(self, request: HttpRequest, flow: str) -> HttpResponse:
        """Show the draft with everything that is wrong with it."""
        draft = self.flow.as_written
        problems = check_draft(self.actor, draft.source, format=draft.format, project=self.flow.project, flow=self.flow)
        return self.page(request, draft=draft, problems=problems, words=vocabulary(self.actor))


class PublishFlowPage(FlowPage):
    """What goes out, and whether it may."""

    template_name = "agents/flow_publish.html"
    tab = "publish"

    def get(self, request: HttpRequest, flow: str) -> HttpResponse:
        """Show what publishing would change, or the problems that stand in its way. Raises NotAllowed."""
        access_changeable_flow(self.actor, flow)
        return self._show(request, PublishForm(), status=200)

    def post(self, request: HttpRequest, flow: str) -> HttpResponse:
        """Publish and go back to the editor; what is refused is said in the form."""
        form = PublishForm(request.POST)
        if form.is_valid():
            try:
                revision = form.cleaned_data["revision"]
                expected = None if revision is None else {revision}
                done = publish_flow(self.actor, flow=flow, note=form.cleaned_data["note"], expected=expected)
            except (InvalidInput, Conflict) as error:
                form.add_error(None, error.message)
            else:
                said = _("Version %(number)s is published.") if done.is_new else _("Version %(number)s is what runs.")
                return self.done(request, said % {"number": done.version.number})
        return self._show(request, form, status=422)

    def _show(self, request: HttpRequest, form: PublishForm, *, status: int) -> HttpResponse:
        problems = check_publishable(self.actor, self.flow)
        context = {
            "form": form,
            "problems": problems,
            "is_sound": not problems,
            "diff": diff_with_published(self.actor, self.flow.pk),
        }
        if request.GET.get("part") == "dialog":
            return render(request, "agents/flow_publish_part.html", {**context, "flow": self.flow}, status=status)
        return self.page(request, status=status, **context)


class VersionsPage(FlowPage):
    """What was frozen and what was saved: a list, and what differs."""

    template_name = "agents/flow_versions.html"
    tab = "versions"

    def get(self, request: HttpRequest, flow: str) -> HttpResponse:
        """Show the versions; the one that was chosen with what the draft, or another version, says otherwise."""
        versions = list_versions(self.actor, flow, cursor=request.GET.get("cursor"), limit=VERSIONS_SHOWN)
        number, other = request.GET.get("n"), request.GET.get("with", DRAFT)
        chosen = access_version(self.actor, flow, number=number) if number else None
        if chosen is None and versions.rows:
            chosen = access_version(self.actor, flow, number=versions.rows[0].number)
        return self.page(
            request,
            versions=versions.rows,
            chosen=chosen,
            other=other,
            diff=diff_versions(self.actor, flow, number=chosen.number, other=other) if chosen else None,
            revisions=list_revisions(self.actor, flow, limit=10).rows,
            kept=access_revision(self.actor, flow, number=request.GET["kept"]) if "kept" in request.GET else None,
            **self.page_links(request, versions),
        )


class RestoreVersionPage(FlowPage):
    """Going back to a version."""

    def post(self, request: HttpRequest, flow: str, number: str) -> HttpResponse:
        """Make a version the draft again and open it."""
        restore_version(self.actor, flow=flow, number=number)
        return self.done(request, _("The draft is version %(number)s again.") % {"number": number})


class FlowSettingsPage(FlowPage):
    """What a flow is called, whose it is, where it goes."""

    template_name = "agents/flow_settings.html"
    tab = "settings"

    def get(self, request: HttpRequest, flow: str) -> HttpResponse:
        """Show them."""
        return self.page(request, form=self._form())

    def post(self, request: HttpRequest, flow: str) -> HttpResponse:
        """Change them; what is refused is said beside the field."""
        access_changeable_flow(self.actor, flow)
        form = self._form(request.POST)
        if form.is_valid():
            try:
                change_flow(self.actor, flow, edit=FlowEdit(**form.cleaned_data))
            except (InvalidInput, Conflict) as error:
                for problem in error.details.get("errors") or [{"place": None, "message": error.message}]:
                    form.add_error(problem["place"] if problem["place"] in form.fields else None, problem["message"])
            else:
                return self.done(request, _("The settings are saved."), to="flow-settings")
        return self.page(request, status=422, form=form)

    def _form(self, data: Any = None) -> FlowSettingsForm:
        flow = self.flow
        now = {"name": flow.name, "slug": flow.slug, "is_team_template": flow.is_team_template}
        now |= {"concurrency": flow.concurrency, "concurrency_scope": flow.concurrency_scope}
        may_lead = self.actor.may(Permission.MODIFY_TEAM_TEMPLATES, flow)
        return FlowSettingsForm(data, may_lead=may_lead, initial=now)


class ArchiveFlowPage(FlowPage):
    """Putting a flow away."""

    def post(self, request: HttpRequest, flow: str) -> HttpResponse:
        """Put it away and go back to the list."""
        archive_flow(self.actor, flow)
        messages.success(request, _("%(name)s is archived. Its short name stays taken.") % {"name": self.flow.name})
        return redirect("flows")


class UnarchiveFlowPage(FlowPage):
    """Taking a flow out of the archive."""

    def post(self, request: HttpRequest, flow: str) -> HttpResponse:
        """Take it out and open it."""
        unarchive_flow(self.actor, flow)
        return self.done(request, _("%(name)s is in use again.") % {"name": self.flow.name})


class ForkFlowPage(FlowPage):
    """Making a flow one's own."""

    def post(self, request: HttpRequest, flow: str) -> HttpResponse:
        """Copy it and open the copy."""
        made = fork_flow(self.actor, flow)
        messages.success(request, _("This copy is yours. The flow it came from stays as it is."))
        return redirect("flow", made.pk)
