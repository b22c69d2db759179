# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the clock starts is started once: whoever looks, how often, and whatever dies in between."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from accounts.models import AuditEvent, Membership
from accounts.operations.members import change_member, remove_member
from accounts.operations.tokens import actor_from_token, issue_token, revoke_token
from accounts.roles import Role
from accounts.tenancy import tenant
from agents.models import Firing, Run, Trigger
from agents.operations import firing as firing_module
from agents.operations.checking import read_sent
from agents.operations.firing import fire_due_triggers, forget_firings
from agents.operations.flows import FlowEdit, archive_flow, change_flow, create_flow, unarchive_flow
from agents.operations.runs import accept_run
from agents.operations.trigger_edits import TriggerEdit
from agents.operations.triggers import change_trigger, create_trigger, delete_trigger, fire_now
from agents.operations.versions import publish_flow
from agents.queries.triggers import list_firings, upcoming
from codexos.kernel import clock
from codexos.kernel.errors import Unavailable
from tests.factories import Someone, World

START = datetime(2026, 3, 27, 12, tzinfo=UTC)
FLOW: dict[str, Any] = {
    "id": "tides",
    "name": "Tide tables",
    "nodes": [{"id": "start", "type": "entry", "next": "end"}, {"id": "end", "type": "exit"}],
}


class StoppedClock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = START

    def go(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> StoppedClock:
    stopped = StoppedClock()
    monkeypatch.setattr(clock, "now", lambda: stopped.now)
    return stopped


def flow_of(who: Someone, project: Any, *, is_team_template: bool = True, document: Any = FLOW) -> UUID:
    flow = create_flow(who.actor, project=project, document=document, is_team_template=is_team_template)
    publish_flow(who.actor, flow=flow.id)
    return flow.id


def schedule(who: Someone, flow: UUID, *, cron: str = "0 7 * * *", **said: Any) -> Trigger:
    edit = TriggerEdit(name="Every morning", cron=cron, **{"input": ("hello",), **said})
    return create_trigger(who.actor, flow, kind="cron", edit=edit).trigger


@pytest.fixture
def flow(world: World) -> UUID:
    return flow_of(world.lead, world.project)


def read(trigger: Trigger) -> Trigger:
    with tenant(trigger.organization_id):
        return Trigger.objects.for_organization(trigger.organization_id).get(pk=trigger.pk)


def firings(trigger: Trigger) -> list[Firing]:
    with tenant(trigger.organization_id):
        rows = Firing.objects.for_organization(trigger.organization_id).filter(trigger=trigger)
        return list(rows.select_related("run").order_by("id"))


def count_runs(organization_id: UUID) -> int:
    with tenant(organization_id):
        return Run.objects.for_organization(organization_id).count()


def test_a_schedule_starts_one_run_each_time_it_is_due(world: World, flow: UUID, stopped: StoppedClock) -> None:
    trigger = schedule(world.dev, flow, time_zone="Europe/Berlin")
    assert trigger.next_at == datetime(2026, 3, 28, 6, tzinfo=UTC)
    assert fire_due_triggers() == 0
    stopped.go(hours=18)
    assert [fire_due_triggers(), fire_due_triggers()] == [1, 0]
    (fired,) = firings(trigger)
    run = fired.run
    assert run is not None
    assert (run.input, run.person_id, run.flow_id, run.status) == ("hello", world.dev.person.id, flow, "queued")
    assert fired.due_at == datetime(2026, 3, 28, 6, tzinfo=UTC)
    # clocks are put forward that night: seven in Berlin is five by the sun
    assert read(trigger).next_at == datetime(2026, 3, 29, 5, tzinfo=UTC)
    with tenant(world.acme.pk):
        told = AuditEvent.objects.for_organization(world.acme.pk).get(action="run.started")
    assert (told.actor_kind, told.actor_label) == ("schedule", world.dev.person.email)


def test_a_moment_starts_one_run_and_no_more(world: World, flow: UUID, stopped: StoppedClock) -> None:
    edit = TriggerEdit(name="Once", at="2026-03-29T03:30", time_zone="Europe/Berlin", input=({"of": "today"},))
    trigger = create_trigger(world.dev.actor, flow, kind="at", edit=edit).trigger
    stopped.go(days=2)
    assert [fire_due_triggers(), fire_due_triggers()] == [1, 0]
    assert [fired.due_at for fired in firings(trigger)] == [datetime(2026, 3, 29, 1, 30, tzinfo=UTC)]
    assert upcoming(read(trigger)) == []


def test_the_version_published_when_it_fires_is_what_runs(world: World, flow: UUID, stopped: StoppedClock) -> None:
    trigger = schedule(world.dev, flow)
    newer = {**FLOW, "nodes": [*FLOW["nodes"][:1], {"id": "end", "type": "exit", "output": "new"}]}
    change_flow(world.lead.actor, flow, edit=FlowEdit(draft=read_sent(newer, source=None, format=None)))
    stopped.go(days=1)
    fire_due_triggers()
    publish_flow(world.lead.actor, flow=flow)
    stopped.go(days=1)
    fire_due_triggers()
    with tenant(world.acme.pk):
        numbers = [fired.run and fired.run.version and fired.run.version.number for fired in firings(trigger)]
    assert numbers == [1, 2]


@pytest.mark.parametrize(("missed", "fires"), [("once", True), ("skip", False)])
def test_missed_moments_are_met_once_or_not_at_all(
    world: World, flow: UUID, stopped: StoppedClock, missed: str, fires: bool
) -> None:
    trigger = schedule(world.dev, flow, missed=missed)
    stopped.go(days=30)
    fire_due_triggers()
    fire_due_triggers()
    (fired,) = firings(trigger)
    # the latest of the thirty, and the next one after now
    assert fired.due_at == datetime(2026, 4, 26, 7, tzinfo=UTC)
    assert (fired.run is not None) is fires
    assert fired.code == ("" if fires else "missed")
    assert read(trigger).next_at == datetime(2026, 4, 27, 7, tzinfo=UTC)


def test_a_little_late_is_not_missed(world: World, flow: UUID, stopped: StoppedClock) -> None:
    trigger = schedule(world.dev, flow, missed="skip")
    stopped.now = datetime(2026, 3, 28, 7, 4, tzinfo=UTC)
    fire_due_triggers()
    assert firings(trigger)[0].run is not None


def test_an_archived_or_unpublished_flow_is_not_run_and_the_firing_says_so(
    world: World, flow: UUID, stopped: StoppedClock
) -> None:
    draft = create_flow(world.lead.actor, project=world.project, document={**FLOW, "id": "draft"})
    archived, unpublished = schedule(world.dev, flow), schedule(world.lead, draft.id)
    archive_flow(world.lead.actor, flow)
    stopped.go(days=1)
    assert fire_due_triggers() == 2
    assert [firings(one)[0].code for one in (archived, unpublished)] == ["flow_archived", "flow_not_published"]
    assert count_runs(world.acme.pk) == 0
    # it goes on when the flow is back
    unarchive_flow(world.lead.actor, flow)
    stopped.go(days=1)
    fire_due_triggers()
    assert [bool(fired.run) for fired in firings(archived)] == [False, True]


def test_who_has_left_starts_nothing(world: World, flow: UUID, stopped: StoppedClock) -> None:
    trigger = schedule(world.dev, flow)
    with tenant(world.acme.pk):
        member = Membership.objects.for_organization(world.acme.pk).get(person=world.dev.person)
    remove_member(world.admin.actor, member.id)
    stopped.go(days=1)
    fire_due_triggers()
    stopped.go(days=1)
    fire_due_triggers()
    left = read(trigger)
    assert (left.is_enabled, left.next_at, count_runs(world.acme.pk)) == (False, None, 0)
    assert "no longer a member" in left.reason
    assert [fired.code for fired in firings(trigger)] == ["not_allowed"]
    with tenant(world.acme.pk):
        assert AuditEvent.objects.for_organization(world.acme.pk).filter(action="trigger.disabled").count() == 1


def test_who_may_run_flows_no_more_starts_nothing(world: World, flow: UUID, stopped: StoppedClock) -> None:
    trigger = schedule(world.dev, flow)
    with tenant(world.acme.pk):
        member = Membership.objects.for_organization(world.acme.pk).get(person=world.dev.person)
    change_member(world.admin.actor, member.id, role=Role.VIEWER)
    stopped.go(days=1)
    fire_due_triggers()
    assert (read(trigger).is_enabled, count_runs(world.acme.pk)) == (False, 0)


def test_a_trigger_made_with_a_token_ends_with_it(world: World, flow: UUID, stopped: StoppedClock) -> None:
    token = issue_token(world.dev.actor, name="CI")
    found = actor_from_token(token.value)
    assert found is not None
    by_token = Someone(world.dev.person, found[1], token.value)
    trigger = schedule(by_token, flow)
    stopped.go(days=1)
    fire_due_triggers()
    run = firings(trigger)[0].run
    assert run is not None
    assert run.limit == sorted(found[1].limit or ())
    revoke_token(world.dev.actor, token_id=token.token.id)
    stopped.go(days=1)
    fire_due_triggers()
    assert "API token" in read(trigger).reason
    # saved again by its person it goes on, as the person
    change_trigger(world.dev.actor, trigger.id, edit=TriggerEdit(is_enabled=True))
    stopped.go(days=1)
    fire_due_triggers()
    last = firings(trigger)[-1].run
    assert last is not None
    assert last.limit is None


def test_what_passed_while_it_was_paused_is_not_made_up_for(world: World, flow: UUID, stopped: StoppedClock) -> None:
    trigger = schedule(world.dev, flow)
    change_trigger(world.lead.actor, trigger.id, edit=TriggerEdit(is_enabled=False))
    stopped.go(days=3)
    assert fire_due_triggers() == 0
    resumed = change_trigger(world.dev.actor, trigger.id, edit=TriggerEdit(is_enabled=True))
    assert resumed.next_at == datetime(2026, 3, 31, 7, tzinfo=UTC)
    assert (fire_due_triggers(), firings(trigger)) == (0, [])


def test_run_now_acts_as_who_asks(world: World, flow: UUID, stopped: StoppedClock) -> None:
    trigger = schedule(world.dev, flow)
    fired = fire_now(world.lead.actor, trigger.id)
    assert fired.run is not None
    assert (fired.run.person_id, fired.by_id, fired.due_at) == (world.lead.person.id, world.lead.person.id, None)
    fire_now(world.lead.actor, trigger.id)
    assert count_runs(world.acme.pk) == 2
    assert read(trigger).next_at == trigger.next_at


def test_one_that_breaks_holds_up_no_other(
    world: World, flow: UUID, stopped: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = schedule(world.dev, flow, input=("bad",)), schedule(world.dev, flow)

    def breaking(actor: Any, *, request: Any) -> Run:
        if request.input == "bad":
            raise Unavailable("Not now.")
        return accept_run(actor, request=request)

    monkeypatch.setattr(firing_module, "accept_run", breaking)
    monkeypatch.setattr(firing_module, "BATCH", 1)
    stopped.go(days=1)
    assert fire_due_triggers() == 1
    assert (len(firings(good)), len(firings(bad))) == (1, 0)
    # nothing of it was lost: it is met as soon as it can be
    monkeypatch.undo()
    monkeypatch.setattr(clock, "now", lambda: stopped.now)
    assert fire_due_triggers() == 1
    assert firings(bad)[0].run is not None


def test_two_organizations_keep_their_triggers_apart(world: World, flow: UUID, stopped: StoppedClock) -> None:
    other = schedule(world.stranger, flow_of(world.stranger, world.other_project))
    mine = schedule(world.dev, flow)
    stopped.go(days=1)
    assert fire_due_triggers() == 2
    assert (count_runs(world.acme.pk), count_runs(world.other.pk)) == (1, 1)
    assert len(list_firings(world.dev.actor, mine.id).rows) == 1
    with pytest.raises(firing_module.NotFound):
        list_firings(world.dev.actor, other.id)


def test_deleting_a_trigger_keeps_its_runs(world: World, flow: UUID, stopped: StoppedClock) -> None:
    trigger = schedule(world.dev, flow)
    fire_now(world.dev.actor, trigger.id)
    delete_trigger(world.dev.actor, trigger.id)
    assert count_runs(world.acme.pk) == 1


def test_old_firings_are_forgotten_and_their_runs_stay(world: World, flow: UUID, stopped: StoppedClock) -> None:
    trigger = schedule(world.dev, flow)
    fire_now(world.dev.actor, trigger.id)
    with tenant(world.acme.pk):
        made_at = Firing.objects.for_organization(world.acme.pk).get().created_at
    stopped.now = made_at + timedelta(days=90)
    forget_firings()
    assert len(firings(trigger)) == 1
    stopped.go(seconds=1)
    forget_firings()
    assert (firings(trigger), count_runs(world.acme.pk)) == ([], 1)
