# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Trying one tool outside of any run: decided about as a run's call would be, and made only where it is allowed."""

from dataclasses import dataclass, replace

from asgiref.sync import async_to_sync

from accounts.actor import Actor
from accounts.models import Project
from accounts.operations.audit import record_event
from accounts.queries.access import insist
from accounts.roles import Permission
from accounts.tenancy import in_organization
from agents.adapters.person_secrets import PersonSecrets
from agents.adapters.policies import make_gate
from agents.adapters.shelves.finding import find_shelved
from agents.adapters.standing import Standing
from agents.adapters.toolbox import BuiltInToolbox
from agents.adapters.tools.room import ToolRoom
from agents.engine.gate import Decision, Occasion, ProposedCall
from agents.engine.policies.facts import Caller
from agents.engine.policies.gates import PolicyGate
from agents.engine.tools import ToolSpec, check_arguments, kept_result
from agents.errors import ToolBroke
from agents.queries.policies import access_policy
from codexos.kernel.errors import CodexosError
from codexos.kernel.ids import new_id
from codexos.kernel.jsontypes import JsonObject, JsonValue
from llm.operations.threads import in_callers_thread


@dataclass(frozen=True, slots=True)
class ToolTrial:
    """What became of a trial: what was decided, and the result or the error where the call was made."""

    spec: ToolSpec
    decision: Decision
    capabilities: tuple[str, ...] = ()
    result: JsonValue = None
    error_code: str = ""
    error: str = ""

    @property
    def is_made(self) -> bool:
        """Whether the tool was called."""
        return self.decision.verdict == "allow"


def try_tool(actor: Actor, name: str, arguments: JsonObject, *, project: Project) -> ToolTrial:
    """Call a tool as a flow of the actor's that names it would; what the policy asks about is shown and not called.

    Raises NotAllowed, ToolUnknown, ToolNotReady, ToolCallInvalid; what the tool raises is in the trial.
    """
    insist(actor, Permission.RUN_FLOWS, project)
    gate, secrets = _gate(actor, project), PersonSecrets(actor, project)
    room = _room(actor, name, project=project)
    toolbox = BuiltInToolbox(replace(room, egress=room.egress.narrowed(gate.hosts), secrets=secrets))
    spec = toolbox.describe(name)
    check_arguments(spec, arguments)
    touched = tuple(spec.capabilities_of(arguments))
    decision = gate.decide(ProposedCall(name, spec.shown(arguments), touched, chosen_by="flow"))
    _note(actor, name, decision, project=project)
    trial = ToolTrial(spec, decision, touched)
    return _made(trial, toolbox, arguments, secrets=secrets) if trial.is_made else trial


def _made(trial: ToolTrial, toolbox: BuiltInToolbox, arguments: JsonObject, *, secrets: PersonSecrets) -> ToolTrial:
    name = trial.spec.name
    try:
        result = async_to_sync(toolbox.call)(name, arguments, on=Occasion(f"trial-{new_id()}"))
        return replace(trial, result=secrets.without(kept_result(trial.spec, result).result))
    except CodexosError as error:
        return replace(trial, error_code=error.code, error=secrets.clean(error).message)
    except TimeoutError:
        return replace(trial, error_code=ToolBroke.code, error=f"Tool {name!r} did not end in its time.")


@in_organization
def _gate(actor: Actor, project: Project) -> PolicyGate:
    caller = Caller(
        role=actor.role.value,
        project=project.name,
        project_id=str(project.pk),
        team=project.team.name,
        team_id=str(project.team_id),
    )
    return make_gate(access_policy(actor).document, caller)


@in_organization
def _room(actor: Actor, name: str, *, project: Project) -> ToolRoom:
    limit = None if actor.limit is None else sorted(actor.limit)
    standing = Standing(actor.organization_id, actor.person_id, project.pk, limit=limit, name=actor.label)
    shelved = find_shelved([name], organization_id=actor.organization_id, project_id=project.pk)
    return ToolRoom(standing=standing, in_thread=in_callers_thread, shelved=shelved)


@in_organization
def _note(actor: Actor, name: str, decision: Decision, *, project: Project) -> None:
    record_event(
        actor, "tool.tried", about=project, tool=name, verdict=decision.verdict, reasons=list(decision.reasons)
    )
