# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The gate's keeper: every call of a tool that is worked out is decided about before it is intended.

What is allowed goes on. What is denied fails. What people are asked about waits in the journal with the hash of what
they see; their approval lets through exactly that, once, and is looked at again right before the call.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from agents.engine.answers import listed
from agents.engine.decide import Step
from agents.engine.gate import ALLOWED, Approvers, Decision, ProposedCall, call_hash
from agents.engine.labels import KNOWLEDGE, NONE, Labels, labels_at, labels_before, labels_steering, planned_around
from agents.engine.nodes.rendering import texts_of
from agents.engine.nodes.tool import ToolCall, preview_hash, preview_of
from agents.engine.outcomes import Outcome, StepError, Waiting
from agents.engine.ports import NotedCall, Ports
from agents.engine.post import APPROVAL
from agents.engine.secrets import keys_in
from agents.engine.steps import Effect, StepContext
from agents.engine.telling import Telling
from agents.engine.tools import as_edited, check_arguments
from codexos.kernel.jsontypes import JsonObject, JsonValue

logger = logging.getLogger(__name__)

EXPIRES_SECONDS = 7 * 86_400.0
"""How long people may take to decide about a call where the policy does not say."""
_EGRESS = "egress:"


@dataclass(frozen=True, slots=True)
class _HeldUp:
    """A call that is not made now: refused, or asked about."""

    step: Step
    call: ToolCall
    noted: NotedCall | None = None
    refused: Outcome | None = None
    asked: JsonObject | None = None


class Gatekeeper:
    """Decides about the calls of one run. What is held up is told by ``tell_held_up``, after it was looked into."""

    def __init__(self, ports: Ports, telling: Telling) -> None:
        self._ports = ports
        self._telling = telling
        self._held_up: list[_HeldUp] = []

    @property
    def holds_up(self) -> bool:
        """Whether there is something to look into and tell."""
        return bool(self._held_up)

    async def make_ready(self) -> None:
        """Have the policy ready to decide at once, before calls are worked out."""
        make_ready = getattr(self._ports.gate, "make_ready", None)
        if make_ready is not None:
            await make_ready()

    async def renew(self) -> None:
        """Go by the policy that holds now: people have decided about calls since it was last looked at."""
        renew = getattr(self._ports.gate, "renew", None)
        if renew is not None:
            await renew()

    def let_through(self, step: Step, effect: Effect, context: StepContext) -> Effect | None:
        """Return an effect that may be made; None where it is held up. Raises ToolCallInvalid."""
        call = call_in(effect)
        if call is None:
            return effect
        edits = context.view.edits.get(step.node_id, ())
        edited = _edited(call, edits)
        proposed = _proposed(edited, context)
        decision = self._decide(proposed)
        if decision == ALLOWED and not edits and step.node_id not in context.view.answers:
            # Some tools go by what led to a call, whoever lets it through.
            return _passed(effect, replace(edited, labels=proposed.labels)) if proposed.labels else effect
        return self._judge(step, effect, edited, proposed=proposed, decision=decision, context=context)

    def _judge(
        self,
        step: Step,
        effect: Effect,
        call: ToolCall,
        *,
        proposed: ProposedCall,
        decision: Decision,
        context: StepContext,
    ) -> Effect | None:
        answer = context.view.answers.get(step.node_id)
        if answer is not None and answer.get("decision") != "approve":
            self._held_up.append(_HeldUp(step, call, refused=call.refusal(_why_not(answer, step.node_id))))
            return None
        if decision.verdict == "deny":
            noted = NotedCall("tool.denied", step.node_id, proposed, decision)
            refused = call.refusal(StepError("tool_denied", _denial(proposed, decision)))
            self._held_up.append(_HeldUp(step, call, noted, refused))
            return None
        approved: JsonObject | None = None
        if decision.verdict == "ask":
            hash_ = _hash_of(call, decision)
            approved = self._approval(effect, proposed, hash_=hash_, decision=decision, context=context)
            if approved is None:
                drawn, again = call_in(effect), self._changed(answer, decision)
                was = None if drawn is None or drawn.arguments == call.arguments else drawn.shown
                asked = _question(call, proposed, decision, hash_=hash_, again=again, was=was)
                noted = NotedCall("tool.asked", step.node_id, proposed, decision, hash_)
                self._held_up.append(_HeldUp(step, call, noted, asked=asked))
                return None
        noted = NotedCall("tool.called", step.node_id, proposed, decision, str(approved["hash"]) if approved else "")
        passed = replace(call, decision=decision, labels=proposed.labels, approved=approved, noted=noted)
        return _passed(effect, passed)

    def _decide(self, proposed: ProposedCall) -> Decision:
        try:
            return self._ports.gate.decide(proposed)
        except Exception:
            logger.exception("the policy could not decide about a call of %r", proposed.tool)
            return Decision("deny", ["The policy could not decide about it."])

    def _approval(
        self, effect: Effect, proposed: ProposedCall, *, hash_: str, decision: Decision, context: StepContext
    ) -> JsonObject | None:
        """Return the approval that lets a call through; None where there is none, or it was of something else."""
        view, key = context.view, context.node_id
        answer = view.answers.get(key)
        if answer is not None and not answer.get("is_partial") and not self._is_over(answer):
            seen = hash_
            if answer.get("is_edited") and (call := call_in(effect)) is not None:
                # Whoever edited it saw what it was before, and approved of what they made of it.
                before = _edited(call, view.edits.get(key, ())[:-1])
                seen = _hash_of(before, decision)
            is_enough = not answer.get("is_edited") or decision.approvers.people == 1
            if (
                answer.get("hash") == seen
                and is_enough
                and answer.get("approvers") == approvers_data(decision.approvers)
            ):
                if answer.get("is_edited"):
                    return {"hash": hash_, "by": answer["by"], "is_edited": True}
                previewed = answer.get("previewed")
                return {"hash": hash_, "by": answer["by"], **({"previewed": previewed} if previewed else {})}
        drawn = call_in(effect)
        is_now = "" if drawn is None else drawn.spec.fingerprint
        for grant in view.grants:
            if _covers(grant, proposed, decision) and (grant.get("fingerprint") or "") == is_now:
                return {"hash": hash_, "by": grant["by"], "for_run": grant["hash"]}
        return None

    def _is_over(self, answer: JsonObject) -> bool:
        until = answer.get("until")
        return isinstance(until, str) and self._ports.clock.now() > datetime.fromisoformat(until)

    def _changed(self, answer: JsonObject | None, decision: Decision) -> str | None:
        """Say why people are asked again who have approved; None where nobody has."""
        if answer is None or answer.get("is_partial"):
            return None
        if self._is_over(answer):
            return "expired"
        return "policy" if answer.get("policy") != decision.policy else "call"

    def note_called(self, effects: Sequence[Effect]) -> None:
        """Have the trail told of calls with the entries that intend them."""
        calls = [call.noted for effect in effects if (call := call_in(effect)) is not None and call.noted is not None]
        if calls:
            self._ports.trail.note_calls(calls)

    async def look_into(self) -> Sequence[str | None]:
        """Return what the calls that are asked about would do, where a tool can say."""
        return await asyncio.gather(*(self._preview(each) for each in self._held_up))

    def tell_held_up(self, previews: Sequence[str | None]) -> None:
        """Tell what became of the calls that are not made now."""
        held_up, self._held_up = self._held_up, []
        self._ports.trail.note_calls([each.noted for each in held_up if each.noted is not None])
        for each, preview in zip(held_up, previews, strict=False):
            if each.refused is not None:
                self._telling.tell(each.step, each.refused)
            elif each.asked is not None:
                title = f"May {each.step.node_id} call {each.call.spec.name}?"
                self._telling.tell(
                    each.step, Waiting(APPROVAL, title, _with_preview({"title": title, **each.asked}, preview))
                )

    async def _preview(self, each: _HeldUp) -> str | None:
        if each.asked is None:
            return None
        try:
            return await preview_of(each.call.spec, each.call.arguments, ports=self._ports)
        except Exception:
            # People decide without it.
            logger.warning("tool %r has no preview of its call", each.call.spec.name, exc_info=True)
            return None


def approvers_data(approvers: Approvers) -> JsonObject:
    """Say who may approve, as far as that is not whoever may step into the run."""
    said: dict[str, JsonValue] = {}
    if approvers.deciders:
        said["deciders"] = list(approvers.deciders)
    if approvers.not_requester:
        said["not_requester"] = True
    if approvers.people > 1:
        said["people"] = approvers.people
    return said


def call_in(effect: Effect) -> ToolCall | None:
    """Return the call of a tool that an effect is, or is made around."""
    call = effect if isinstance(effect, ToolCall) else getattr(effect, "call", None)
    return call if isinstance(call, ToolCall) else None


def _hash_of(call: ToolCall, decision: Decision) -> str:
    spec = call.spec
    return call_hash(
        spec.name,
        call.arguments,
        policy=decision.policy,
        capabilities=spec.capabilities_of(call.arguments),
        fingerprint=spec.fingerprint,
    )


def _passed(effect: Effect, call: ToolCall) -> Effect:
    return call if effect is call_in(effect) else replace(effect, call=call)  # type: ignore[type-var]


def _edited(call: ToolCall, edits: Sequence[JsonValue]) -> ToolCall:
    for edit in edits:
        if isinstance(edit, Mapping):
            arguments = as_edited(call.shown, edit, whole=call.arguments)
            check_arguments(call.spec, arguments)
            call = replace(call, arguments=arguments)
    return call


def _proposed(call: ToolCall, context: StepContext) -> ProposedCall:
    spec = call.spec
    by_model = call.chosen_by == "model" or planned_around(context.lane) is not None
    capabilities = spec.capabilities_of(call.arguments)
    return ProposedCall(
        spec.name,
        call.arguments,
        capabilities=capabilities,
        labels=_labels_of(call, context),
        chosen_by="model" if by_model else "flow",
        secrets=keys_in(call.arguments),
        node_id=context.node_id,
        cost_usd=None if spec.cost_usd is None else float(spec.cost_usd),
        drawn_hosts=frozenset() if by_model else _drawn_hosts(capabilities, context),
    )


def _drawn_hosts(capabilities: Sequence[str], context: StepContext) -> frozenset[str]:
    """Return the hosts of a call that stand in the flow's own text, before anything that is filled in."""
    hosts = [each.removeprefix(_EGRESS) for each in capabilities if each.startswith(_EGRESS)]
    drawn = context.node.settings.get("arguments") if hosts and context.node.kind == "tool" else None
    if drawn is None:
        return frozenset()
    texts = [text.partition("{{") for _, text in texts_of(drawn, "")]
    return frozenset(host for host in hosts if any(_names(text, host, goes_on=bool(more)) for text, more, _ in texts))


def _names(text: str, host: str, *, goes_on: bool) -> bool:
    """Tell whether an address names a host to its end; one that ``goes_on`` could still become another's."""
    _, _, rest = text.casefold().partition("://")
    if not rest.startswith(host.casefold()):
        return False
    after = rest[len(host) :]
    return after[:1] in ("/", "?", "#") if after else not goes_on


def _labels_of(call: ToolCall, context: StepContext) -> Labels:
    """Return the labels of what led to a call: of what chose or steers it, and of the files it would send."""
    files = context.view.file_labels
    found = _labels_leading_to(call, context)
    return found | files if files and call.spec.sends_files(call.arguments) else found


def _labels_leading_to(call: ToolCall, context: StepContext) -> Labels:
    """Return the labels of what a model was shown that chose a call, else of what steers it."""
    lane, plan = context.lane, planned_around(context.lane)
    if call.chosen_by == "flow" and plan is None:
        return call.labels | _steering(call, context) if context.view.is_labeled or call.labels else NONE
    shown = frozenset({KNOWLEDGE}) if context.run.documents else NONE
    found = labels_at(lane) if plan is None else plan.given_labels | _steering(call, context)
    return call.labels | shown | found


def _steering(call: ToolCall, context: StepContext) -> Labels:
    lane, node = context.lane, context.node
    if node.kind != "tool":
        return labels_at(lane)
    drawn = node.settings.get("arguments")
    if drawn is not None:
        return labels_steering(lane, drawn, content=call.spec.content)
    is_content = call.arguments.keys() <= call.spec.content
    return NONE if is_content else labels_before(lane, node)


def _covers(grant: JsonObject, proposed: ProposedCall, decision: Decision) -> bool:
    """Whether what was let through for the whole run is this call as well: it may do less, and nothing else."""
    most = grant.get("cost_usd")
    costs_no_more = proposed.cost_usd is None or (isinstance(most, int | float) and proposed.cost_usd <= most)
    return (
        grant.get("tool") == proposed.tool
        and set(map(str, listed(grant.get("capabilities")))) == set(proposed.capabilities)
        and set(proposed.secrets) <= set(map(str, listed(grant.get("secrets"))))
        and proposed.labels <= set(map(str, listed(grant.get("labels"))))
        and costs_no_more
        and grant.get("policy") == decision.policy
        and grant.get("approvers") == approvers_data(decision.approvers)
    )


def _question(
    call: ToolCall,
    proposed: ProposedCall,
    decision: Decision,
    *,
    hash_: str,
    again: str | None,
    was: JsonObject | None,
) -> dict[str, JsonValue]:
    """Say what people are asked about: ``was`` is what a call was before they edited it."""
    told: dict[str, JsonValue] = {
        "tool": proposed.tool,
        "arguments": call.shown,
        "capabilities": list(proposed.capabilities),
        "hosts": [each.removeprefix(_EGRESS) for each in proposed.capabilities if each.startswith(_EGRESS)],
        "secrets": list(proposed.secrets),
        "cost_usd": proposed.cost_usd,
        "labels": sorted(proposed.labels),
        "chosen_by": proposed.chosen_by,
        "reasons": list(decision.reasons),
    }
    if call.spec.fingerprint:
        told["fingerprint"] = call.spec.fingerprint
    if again is not None:
        told["again"] = again
    if was is not None:
        told["was"] = was
    seconds = decision.approvers.expires_seconds or EXPIRES_SECONDS
    bound: JsonObject = {"hash": hash_, "policy": decision.policy, "timeout_seconds": seconds}
    return {"call": told, **bound, **approvers_data(decision.approvers)}


def _with_preview(asked: JsonObject, preview: str | None) -> JsonObject:
    call = asked["call"]
    if not preview or not isinstance(call, Mapping):
        return asked
    return {**asked, "call": {**call, "preview": preview}, "previewed": preview_hash(preview)}


def _denial(proposed: ProposedCall, decision: Decision) -> str:
    why = " ".join(decision.reasons) or "No rule of the organization's policy allows it."
    return f"Tool {proposed.tool!r} was not called: the policy denies it. {why}"


def _why_not(answer: JsonObject, key: str) -> StepError:
    if answer.get("decision") == "timeout":
        return StepError(
            "approval_expired", f"Nobody approved in time what step {key!r} was about to do, so it was not."
        )
    by, note = ", ".join(map(str, listed(answer.get("by")))), answer.get("note")
    said = f" They said: {note}" if note else ""
    return StepError("call_rejected", f"{by} rejected what step {key!r} was about to do.{said}")
