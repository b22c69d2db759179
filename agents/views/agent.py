# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The settings of an agent: what each node of a flow that asks a model is told, on one page."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from agents.errors import FlowChanged
from agents.forms.agent import AgentForm, Edits
from agents.operations.asking_nodes import SettingEdit, change_asking_nodes
from agents.operations.checking import model_choices
from agents.queries.asking_nodes import asking_nodes_at, asking_nodes_of, said_otherwise, without_a_node
from agents.queries.flows import access_changeable_flow, access_flow, may_change_flow
from agents.views.flow import FlowPage
from codexos.kernel.errors import Conflict, InvalidInput


# What was saved elsewhere meanwhile must show: Back fetches it anew.
@method_decorator(never_cache, name="dispatch")
class AgentPage(FlowPage):
    """Model, instructions and limits of every node that asks a model."""

    template_name = "agents/flow_agent.html"
    tab = "agent"

    def get(self, request: HttpRequest, flow: str) -> HttpResponse:
        """Show what the draft says."""
        return self.page(request, form=self._form())

    def post(self, request: HttpRequest, flow: str) -> HttpResponse:
        """Save what was changed; what is refused is said beside its field, and nothing typed is lost."""
        access_changeable_flow(self.actor, flow)
        form = self._sent(request)
        if not form.is_valid():
            return self.page(request, status=422, form=form)
        edits, revision = form.edits(), form.cleaned_data["revision"]
        told = [SettingEdit(path, name, value) for (path, name), value in edits.items()]
        try:
            change_asking_nodes(self.actor, flow, edits=told, expected=revision)
        except FlowChanged as error:
            return self._over_theirs(request, edits, error)
        except (InvalidInput, Conflict) as error:
            for problem in error.details.get("errors") or [{"place": "", "message": error.message}]:
                form.blame(problem["place"], problem["message"])
        else:
            return self.done(request, _("The settings are saved in the draft."), to="flow-agent")
        return self.page(request, status=422, form=form)

    def _sent(self, request: HttpRequest) -> AgentForm:
        """Read what was sent against the draft that it was made from, so that only what was changed counts."""
        said = request.POST.get("revision", "")
        revision = int(said) if said.isascii() and said.isdigit() and len(said) < 10 else self.flow.revision
        return self._form(request.POST, nodes=asking_nodes_at(self.actor, self.flow, revision=revision))

    def _over_theirs(self, request: HttpRequest, edits: Edits, error: FlowChanged) -> HttpResponse:
        """Show what somebody else saved, with what was changed here laid over it. Sent again, that is saved."""
        self.flow = access_flow(self.actor, self.flow.pk)
        nodes = asking_nodes_of(self.flow)
        return self.page(
            request,
            status=409,
            form=self._form(nodes=nodes, laid=edits),
            theirs=said_otherwise(nodes, edits),
            lost=without_a_node(nodes, edits),
            conflict=error,
        )

    def _form(self, data: Any = None, *, nodes: Any = None, laid: Edits | None = None) -> AgentForm:
        flow = self.flow
        return AgentForm(
            data,
            askers=asking_nodes_of(flow) if nodes is None else nodes,
            models=model_choices(self.actor, flow.project),
            revision=flow.revision,
            laid=laid,
            is_locked=flow.is_archived or not may_change_flow(self.actor, flow),
        )
