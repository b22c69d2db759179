# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The audit chain: whole when nobody touched it, and telling when somebody with the database's own rights did."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

from accounts.actor import Actor
from accounts.engine.chain import COLUMNS, START, Chain, Checkpoint, canonical_bytes
from accounts.models import AuditEvent, AuditHead, AuditSeal
from accounts.operations.audit import record_event
from accounts.queries.lookups import list_organizations_with_unsealed_audit, list_organizations_with_unsigned_audit
from accounts.queries.seals import ChainReport, verify_chain
from accounts.tenancy import tenant
from accounts.workers.audit import seal_events, sign_checkpoint
from codexos.kernel import clock
from codexos.kernel.ids import new_id
from codexos.kernel.sealing import new_key, verifying_key
from tests.factories import World

Tamper = Callable[..., None]


@pytest.fixture
def acme(committed_world: World) -> Actor:
    """Acme's admin, with six sealed deeds after those of its founding, and the chain signed for."""
    actor = committed_world.admin.actor
    seal_events(actor.organization_id)
    do(actor, *(f"test.deed{number}" for number in range(6)))
    seal_events(actor.organization_id)
    sign_checkpoint(actor.organization_id)
    return actor


@pytest.fixture
def tamper(truth: psycopg.Connection) -> Tamper:
    """Do something to the trail as a superuser whom no trigger stops."""

    def as_superuser(sql: str, *parameters: object) -> None:
        truth.execute("set session_replication_role = replica")
        assert truth.execute(sql, parameters).rowcount > 0, "nothing was tampered with"
        truth.execute("set session_replication_role = origin")

    return as_superuser


def do(actor: Actor, *actions: str) -> list[UUID]:
    """Let the actor do something worth recording, each in a transaction of its own."""
    ids = []
    for action in actions:
        with tenant(actor.organization_id):
            ids.append(record_event(actor, action).id)
    return ids


def verify(actor: Actor) -> ChainReport:
    return verify_chain(actor.organization_id)


def event_of(actor: Actor, seq: int) -> UUID:
    with tenant(actor.organization_id):
        return AuditSeal.objects.for_organization(actor.organization_id).get(seq=seq).event_id


def end_of(actor: Actor) -> int:
    with tenant(actor.organization_id):
        return AuditHead.objects.for_organization(actor.organization_id).get().seq


def test_an_untouched_chain_is_whole(acme: Actor) -> None:
    report = verify(acme)
    assert report.is_whole, report.findings
    assert report.sealed == end_of(acme) >= 6
    assert (report.waiting, report.checkpoints) == (0, 1)


def test_what_is_not_sealed_yet_is_told_as_the_open_window(acme: Actor) -> None:
    do(acme, "test.late", "test.later")
    report = verify(acme)
    assert report.is_whole
    assert report.waiting == 2
    assert report.waiting_since is not None
    assert acme.organization_id in list_organizations_with_unsealed_audit()


def test_sealing_is_dense_and_done_once(acme: Actor) -> None:
    before = end_of(acme)
    do(acme, "test.one", "test.two")
    assert (seal_events(acme.organization_id), seal_events(acme.organization_id)) == (2, 0)
    assert end_of(acme) == before + 2
    assert acme.organization_id not in list_organizations_with_unsealed_audit()


def test_an_event_that_commits_late_with_an_earlier_id_is_sealed_too(acme: Actor) -> None:
    early = new_id()
    do(acme, "test.in_time")
    seal_events(acme.organization_id)
    with tenant(acme.organization_id):
        newest = AuditEvent.objects.for_organization(acme.organization_id).latest("id")
        assert early < newest.id
        newest.pk = early
        newest.save(force_insert=True)
    assert seal_events(acme.organization_id) == 1
    assert event_of(acme, end_of(acme)) == early
    assert verify(acme).is_whole


def test_a_second_sealer_leaves_quietly(acme: Actor, truth: psycopg.Connection) -> None:
    do(acme, "test.deed")
    with truth.transaction():
        truth.execute("select * from accounts_audithead for update")
        assert seal_events(acme.organization_id) == 0
    assert seal_events(acme.organization_id) == 1


@pytest.mark.parametrize("column", [name for name in COLUMNS if name not in ("id", "organization_id")])
def test_an_edit_of_any_column_is_found(acme: Actor, tamper: Tamper, column: str) -> None:
    values = {"created_at": "'2020-01-01'", "details": """'{"changed": true}'""", "actor_id": "null"}
    uuids = ("token_id", "break_glass_id")
    value = values.get(column, "gen_random_uuid()" if column in uuids else "'changed'")
    victim = event_of(acme, 3)
    tamper(f"update accounts_auditevent set {column} = {value} where id = %s", victim)  # noqa: S608
    report = verify(acme)
    assert report.found == 1
    assert str(victim) in report.findings[0]
    assert "sealed as 3" in report.findings[0]


def test_every_column_of_an_event_is_sealed() -> None:
    assert set(COLUMNS) == {field.attname for field in AuditEvent._meta.concrete_fields}


def test_a_deleted_event_is_found(acme: Actor, tamper: Tamper) -> None:
    victim = event_of(acme, 4)
    tamper("delete from accounts_auditevent where id = %s", victim)
    assert verify(acme).findings == [f"Event {victim}, sealed as 4, was deleted."]


def test_an_event_deleted_with_its_seal_is_found(acme: Actor, tamper: Tamper) -> None:
    victim = event_of(acme, 4)
    tamper("delete from accounts_auditseal where event_id = %s", victim)
    tamper("delete from accounts_auditevent where id = %s", victim)
    assert verify(acme).findings == ["Seal 4 is gone."]


def test_a_deleted_seal_is_found_and_so_is_the_event_that_lost_it(acme: Actor, tamper: Tamper) -> None:
    victim = event_of(acme, 4)
    tamper("delete from accounts_auditseal where event_id = %s", victim)
    findings = verify(acme).findings
    assert len(findings) == 2
    assert "neither sealed nor waiting" in findings[1]
    assert str(victim) in findings[1]


def test_swapped_events_are_found(acme: Actor, tamper: Tamper) -> None:
    one, two = event_of(acme, 3), event_of(acme, 5)
    # By way of a third value: the unique index is checked row by row.
    for seq, event_id in ((3, new_id()), (5, one), (3, two)):
        sql = "update accounts_auditseal set event_id = %s where seq = %s and organization_id = %s"
        tamper(sql, event_id, seq, acme.organization_id)
    findings = verify(acme).findings
    assert findings == [
        f"Seal 3 was made for event {one} and names {two}: they were swapped.",
        f"Seal 5 was made for event {two} and names {one}: they were swapped.",
    ]


def test_a_truncated_chain_is_found_by_its_head_even_without_checkpoints(acme: Actor, tamper: Tamper) -> None:
    end, victims = end_of(acme), [event_of(acme, end_of(acme)), event_of(acme, end_of(acme) - 1)]
    tamper("delete from accounts_auditcheckpoint where organization_id = %s", acme.organization_id)
    tamper("delete from accounts_auditseal where event_id = any(%s)", victims)
    tamper("delete from accounts_auditevent where id = any(%s)", victims)
    assert verify(acme).findings == [
        f"The newest entries are gone: the chain once reached {end} and ends at {end - 2} now."
    ]


def test_a_head_put_back_is_found_by_a_checkpoint(acme: Actor, tamper: Tamper) -> None:
    end, victim = end_of(acme), event_of(acme, end_of(acme))
    tamper("delete from accounts_auditseal where event_id = %s", victim)
    tamper("delete from accounts_auditevent where id = %s", victim)
    put_head_back(acme, tamper, to=end - 1)
    findings = verify(acme).findings
    assert len(findings) == 1
    assert f"saw a seal {end} that is gone" in findings[0]


def put_head_back(actor: Actor, tamper: Tamper, *, to: int) -> None:
    """Restore an old head: the intruder kept a copy from when it was true."""
    with tenant(actor.organization_id):
        mac = bytes(AuditSeal.objects.for_organization(actor.organization_id).get(seq=to).mac)
    tag = Chain(settings.AUDIT_CHAIN_KEY, actor.organization_id).tag_of_head(seq=to, link=mac)
    tamper(
        "update accounts_audithead set seq = %s, mac = %s, tag = %s where organization_id = %s",
        *(to, mac, tag, actor.organization_id),
    )


def test_a_head_made_up_without_the_key_is_found(acme: Actor, tamper: Tamper) -> None:
    tamper("update accounts_audithead set seq = seq - 1 where organization_id = %s", acme.organization_id)
    assert "rewritten by somebody without the key" in verify(acme).findings[0]


def test_a_deleted_head_is_found(acme: Actor, tamper: Tamper) -> None:
    tamper("delete from accounts_audithead where organization_id = %s", acme.organization_id)
    assert "The head of the chain was deleted" in verify(acme).findings[0]


def test_an_event_deleted_inside_the_open_window_is_found_by_its_place_in_the_queue(
    acme: Actor, tamper: Tamper
) -> None:
    (victim,) = do(acme, "test.embarrassing")
    tamper("delete from accounts_auditevent where id = %s", victim)
    assert verify(acme).findings == [f"Event {victim} was deleted before it was sealed."]
    assert seal_events(acme.organization_id) == 0


def test_a_forged_checkpoint_is_found(acme: Actor, tamper: Tamper) -> None:
    tamper("update accounts_auditcheckpoint set signed_at = now() where organization_id = %s", acme.organization_id)
    assert "is not signed by this installation" in verify(acme).findings[0]


def test_the_application_itself_cannot_change_the_trail(acme: Actor) -> None:
    forbidden = (
        "update accounts_auditevent set action = 'x'",
        "delete from accounts_auditevent",
        "update accounts_auditseal set seq = 0",
        "delete from accounts_auditseal",
        "delete from accounts_auditcheckpoint",
        "delete from accounts_audithead",
        "update accounts_audithead set seq = 0",
        "insert into accounts_unsealedaudit (id, created_at) values (gen_random_uuid(), now())",
        "truncate accounts_auditevent",
    )
    for sql in forbidden:
        with (
            pytest.raises(DatabaseError, match=r"permission denied|does not go back"),
            tenant(acme.organization_id),
            connection.cursor() as cursor,
        ):
            cursor.execute(sql)
    assert verify(acme).is_whole


def test_a_checkpoint_is_signed_only_when_the_chain_has_grown(acme: Actor) -> None:
    assert sign_checkpoint(acme.organization_id) is None
    assert acme.organization_id not in list_organizations_with_unsigned_audit()
    do(acme, "test.deed")
    seal_events(acme.organization_id)
    assert acme.organization_id in list_organizations_with_unsigned_audit()
    checkpoint = sign_checkpoint(acme.organization_id)
    assert checkpoint is not None
    assert checkpoint.seq == end_of(acme)


def test_the_command_says_what_which_and_where_and_fails(acme: Actor, tamper: Tamper) -> None:
    whole = StringIO()
    call_command("audit", "verify", stdout=whole)
    assert "acme: whole." in whole.getvalue()
    victim = event_of(acme, 2)
    tamper("update accounts_auditevent set action = 'nothing.happened' where id = %s", victim)
    broken = StringIO()
    with pytest.raises(CommandError, match="1 organization") as caught:
        call_command("audit", "verify", stdout=broken)
    assert caught.value.returncode == 1
    assert "acme: BROKEN." in broken.getvalue()
    assert str(victim) in broken.getvalue()
    assert "other: whole." in broken.getvalue()


def test_an_export_kept_elsewhere_finds_what_wiped_the_whole_trail(acme: Actor, tamper: Tamper, tmp_path: Path) -> None:
    kept, lines = tmp_path / "kept.jsonl", StringIO()
    call_command("audit", "export", "--organization", "acme", stdout=lines)
    kept.write_text(lines.getvalue())
    kinds = [json.loads(line)["kind"] for line in lines.getvalue().splitlines()]
    assert (kinds.count("event"), kinds.count("checkpoint")) == (end_of(acme), 1)
    call_command("audit", "verify", "--checkpoints", str(kept), stdout=StringIO())
    for table in ("auditcheckpoint", "auditseal", "auditevent", "audithead"):
        tamper(f"delete from accounts_{table} where organization_id = %s", acme.organization_id)  # noqa: S608
    call_command("audit", "verify", "--organization", "acme", stdout=StringIO())
    told = StringIO()
    with pytest.raises(CommandError):
        call_command("audit", "verify", "--checkpoints", str(kept), stdout=told)
    assert "entries were deleted" in told.getvalue()


def test_the_command_refuses_what_it_cannot_read(acme: Actor, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"kind": "checkpoint"}\n')
    with pytest.raises(CommandError, match=r"line 1 is no line of an audit export"):
        call_command("audit", "verify", "--checkpoints", str(tmp_path / "bad.jsonl"))
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("audit", "verify", "--checkpoints", str(tmp_path / "none.jsonl"))
    with pytest.raises(CommandError, match="short name 'nobody'"):
        call_command("audit", "verify", "--organization", "nobody")


def test_a_chain_is_its_organizations_own() -> None:
    event = dict.fromkeys(COLUMNS, "x") | {"id": new_id(), "organization_id": new_id(), "created_at": clock.now()}
    key, one, two = new_key(), Chain(new_key(), new_id()), Chain(new_key(), new_id())
    assert one.link(event, seq=1, previous=START) != two.link(event, seq=1, previous=START)
    same_key = [Chain(key, new_id()).link(event, seq=1, previous=START) for _ in range(2)]
    assert same_key[0] != same_key[1]


def test_null_nothing_and_the_word_null_are_sealed_as_three_things() -> None:
    event = dict.fromkeys(COLUMNS, "x") | {"created_at": clock.now()}
    written = {canonical_bytes(event | {"details": value}) for value in (None, "", "null", {}, [None])}
    assert len(written) == 5
    assert canonical_bytes(event | {"actor_label": "ab", "action": "c"}) != canonical_bytes(
        event | {"actor_label": "a", "action": "bc"}
    )


def test_a_signature_counts_for_one_statement_only() -> None:
    seed, statement = new_key(), Checkpoint(new_id(), 7, START, clock.now())
    signature = statement.sign(seed)
    assert statement.is_signed(verifying_key(seed), signature=signature)
    later = Checkpoint(statement.organization_id, 7, START, statement.signed_at + timedelta(seconds=1))
    assert not later.is_signed(verifying_key(seed), signature=signature)
