# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Finding the flows that a flow does as sub-flows: pinned when a run is accepted, looked for when it is published."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from accounts.actor import Actor
from accounts.models import Project
from accounts.queries.organizations import access_organization
from accounts.roles import Permission
from accounts.tenancy import in_organization
from agents.engine.documents import parse_flow
from agents.engine.errors import GraphInvalid, Problem
from agents.engine.reading import locate_all, read_document
from agents.engine.wanted import WantedFlow, count_nodes, wanted_flows
from agents.errors import FlowArchived, FlowNotPublished
from agents.models import Flow, FlowVersion
from agents.operations.checking import check_source, is_sound
from agents.operations.secrets import warn_of_unknown
from agents.operations.tools import known_tools_for
from agents.queries.flows import access_flow
from agents.queries.versions import access_version
from codexos.kernel.errors import CodexosError
from codexos.kernel.jsontypes import JsonObject, JsonValue

MOST_DEEP = 8
"""How deep flows may do each other."""
MOST_NODES = 20_000
"""How many nodes a flow may have with everything it does."""


def pin_flows(
    actor: Actor, document: JsonValue, *, project: Project, version: FlowVersion | None = None
) -> dict[str, JsonObject]:
    """Return the library of a run: every flow that it does, in the version that is pinned for it.

    ``version`` is the one that runs, where it is one. Raises GraphInvalid with everything that stands in the way.
    """
    search = _Search(actor, project, root=version, drafted=None)
    problems = search.look(document)
    if problems:
        raise GraphInvalid(problems)
    return search.library


@in_organization
def check_publishable(actor: Actor, flow: Flow) -> Sequence[Problem]:
    """List everything that keeps a flow's draft from being published: what is wrong with it, or with flows it does."""
    draft = flow.as_written
    found = check_source(access_organization(actor), draft.source, format=draft.format, project_id=flow.project_id)
    problems = [each for each in found if each.is_error]
    return problems or _check(actor, draft.document, source=draft.source, project=flow.project, drafted=flow)


@in_organization
def check_draft(
    actor: Actor, source: str, *, project: Project | None, format: str | None = None, flow: Flow | None = None
) -> Sequence[Problem]:
    """List what is wrong with a draft's text; of flows that it does and that do not run yet it warns.

    Without a project nothing is looked up. ``flow`` is the one whose draft it is: it does itself where it is published.
    """
    project_id = project.pk if project else None
    problems = check_source(access_organization(actor), source, format=format, project_id=project_id)
    if project is None or not is_sound(problems):
        return problems
    document = read_document(source)
    found = _check(actor, document, source=source, project=project, drafted=flow)
    unknown = _spotted(warn_of_unknown(actor, document, project=project), source)
    return [*problems, *(replace(problem, severity="warning") for problem in found), *unknown]


def _check(
    actor: Actor, document: JsonObject, *, source: str, project: Project, drafted: Flow | None
) -> Sequence[Problem]:
    return _spotted(_Search(actor, project, root=None, drafted=drafted).look(document), source)


def _spotted(problems: Sequence[Problem], source: str) -> Sequence[Problem]:
    spots = locate_all(source, [problem.place for problem in problems]) if problems else {}
    return [
        replace(problem, line=spots[problem.place][0], column=spots[problem.place][1])
        if problem.place in spots
        else problem
        for problem in problems
    ]


def insist_runnable(flow: Flow) -> FlowVersion:
    """Return the version of a flow that runs. Raises FlowArchived, FlowNotPublished."""
    if flow.is_archived:
        raise FlowArchived(slug=flow.slug)
    if flow.published is None:
        raise FlowNotPublished(f"Flow {flow.slug!r} has no published version. Publish it, then run it.")
    flow.published.flow = flow
    return flow.published


class _Known(NamedTuple):
    """A version that was looked through: how deep flows stand in it, how many nodes it has with them, what is wrong."""

    depth: int
    nodes: int
    trouble: str = ""


_NOTHING = _Known(0, 0)


class _Search:
    """Looks through flows and the flows they do, each version once, however often it is done."""

    def __init__(self, actor: Actor, project: Project, *, root: FlowVersion | None, drafted: Flow | None) -> None:
        self.library: dict[str, JsonObject] = {}
        self._actor = actor
        self._project = project
        self._root = root
        self._drafted = drafted
        self._known: dict[FlowVersion, _Known] = {}

    def look(self, document: JsonValue) -> list[Problem]:
        """List what is wrong with the flows that the document does which is to run."""
        nodes, problems = count_nodes(document), []
        for wanted in wanted_flows(document):
            known = self._look_up(wanted, trail=())
            nodes += known.nodes
            if known.trouble:
                problems.append(Problem(wanted.place, known.trouble))
        if nodes > MOST_NODES:
            message = f"With the flows it does it has {nodes:,} nodes, of at most {MOST_NODES:,}. Do fewer."
            problems.append(Problem("$.nodes", message))
        return problems

    def _look_up(self, wanted: WantedFlow, *, trail: tuple[FlowVersion, ...]) -> _Known:
        try:
            version = self._find(wanted)
        except CodexosError as error:
            return _NOTHING._replace(trouble=error.message)
        is_itself = version == self._root or (version.flow == self._drafted and wanted.version is None)
        if is_itself or version in trail:
            said = " → ".join(repr(each.flow.slug) for each in (*trail, version))
            return _NOTHING._replace(trouble=f"Flows do each other in a circle: {said}. Take one of them out.")
        if version not in self._known and len(trail) < MOST_DEEP:
            self._known[version] = self._look_inside(version, trail=(*trail, version))
        known = self._known.get(version, _NOTHING)
        if len(trail) + max(known.depth, 1) > MOST_DEEP:
            return known._replace(trouble=f"Flows do each other more than {MOST_DEEP} deep. Do less in one another.")
        self.library[wanted.name] = _pinned(version)
        return known

    def _look_inside(self, version: FlowVersion, *, trail: tuple[FlowVersion, ...]) -> _Known:
        try:
            place = {"organization_id": self._project.organization_id, "project_id": self._project.pk}
            parse_flow(version.document, tools=known_tools_for(version.document, **place))
        except GraphInvalid as error:
            return _NOTHING._replace(trouble=f"Flow {version.flow.slug!r}: {error.message}")
        depth, nodes = 0, count_nodes(version.document)
        for wanted in wanted_flows(version.document):
            known = self._look_up(wanted, trail=trail)
            if known.trouble:
                return known._replace(trouble=f"In flow {version.flow.slug!r}: {known.trouble}")
            depth, nodes = max(depth, known.depth), nodes + known.nodes
        return _Known(depth + 1, nodes)

    def _find(self, wanted: WantedFlow) -> FlowVersion:
        flow = access_flow(self._actor, wanted.flow, to=Permission.RUN_FLOWS, project=self._project)
        if wanted.version is None or flow.is_archived:
            return insist_runnable(flow)
        return access_version(self._actor, flow.pk, number=wanted.version)


def _pinned(version: FlowVersion) -> JsonObject:
    return {"flow_id": str(version.flow_id), "version": version.number, "document": version.document}
