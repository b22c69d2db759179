# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Estimating what a run of a flow would cost."""

from accounts.actor import Actor
from accounts.tenancy import in_organization
from agents.errors import FlowNotPublished
from agents.operations.pinning import pin_flows
from agents.queries.estimates import Estimated, RunEstimate, estimate_run
from agents.queries.flows import access_flow
from agents.queries.runs import documents_of
from codexos.kernel.jsontypes import JsonValue


@in_organization
def estimate_flow(actor: Actor, flow_id: str, *, given: JsonValue = "", is_draft: bool = False) -> RunEstimate:
    """Return what a run of a flow's published version, or of its draft, would cost with this input.

    Raises FlowNotFound, FlowNotPublished, GraphInvalid.
    """
    flow = access_flow(actor, flow_id)
    version = None if is_draft else flow.published
    if version is None and not is_draft:
        raise FlowNotPublished(f"Flow {flow.name!r} has no published version yet. Publish it, or estimate its draft.")
    document = flow.draft if version is None else version.document
    library = pin_flows(actor, document, project=flow.project, version=version)
    where = actor.organization_id, flow.project_id
    wanted = Estimated(*where, document, documents_of(library), flow_id=flow.pk, is_draft=version is None)
    return estimate_run(wanted, input=given)
