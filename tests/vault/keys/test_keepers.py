# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What every keeper over HTTP does: it opens what it closed in its place, and stays shut for every other reason."""

import traceback
from collections.abc import Iterator

import pytest

from codexos.kernel.egress import parse_egress_allow
from codexos.kernel.http import EgressPolicy
from codexos.kernel.sealing import SealBroken, new_key
from tests.vault.keys.outside import HERE, KEY, KINDS, THERE, Outside, standing
from vault.adapters.keys.cached import CachedKeys
from vault.adapters.keys.calls import Reach
from vault.adapters.keys.proven import ProvenKeys
from vault.crypto.ports import WrappedKey
from vault.errors import KeyUnavailable, MasterUnknown


@pytest.fixture(params=KINDS)
def outside(request: pytest.FixtureRequest) -> Iterator[Outside]:
    with standing(request.param) as found:
        yield found


def refusal(outside: Outside, wrapped: WrappedKey | None = None, **made: object) -> str:
    """Return why a key is not to be had, in words that give nothing away."""
    keeper = outside.make(**made)
    with pytest.raises(KeyUnavailable) as raised:
        keeper.unwrap(wrapped, associated=HERE) if wrapped else keeper.wrap(KEY, associated=HERE)
    said = "".join(traceback.format_exception(raised.value)) + repr(raised.value) + str(raised.value.details)
    for secret in (*outside.secrets, KEY.hex(), str(KEY)):
        assert secret not in said
    return raised.value.message


def test_a_key_comes_back(outside: Outside) -> None:
    keeper = outside.make()
    wrapped = keeper.wrap(KEY, associated=HERE)
    assert wrapped.master == keeper.master
    assert wrapped.master.startswith(f"{outside.kind}:")
    assert KEY not in wrapped.data
    assert keeper.unwrap(wrapped, associated=HERE) == outside.make().unwrap(wrapped, associated=HERE) == KEY


def test_every_wrap_is_another(outside: Outside) -> None:
    keeper = outside.make()
    assert len({keeper.wrap(KEY, associated=HERE).data for _ in range(5)}) == 5


def test_another_organization_opens_nothing(outside: Outside) -> None:
    keeper = outside.make()
    wrapped = keeper.wrap(KEY, associated=HERE)
    for place in (THERE, b"", HERE + b"\0", HERE[:-1]):
        with pytest.raises(SealBroken):
            keeper.unwrap(wrapped, associated=place)


def test_what_was_tampered_with_opens_nowhere(outside: Outside) -> None:
    keeper = outside.make()
    data = keeper.wrap(KEY, associated=HERE).data
    bent = [data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] for at in (10, len(data) // 2, len(data) - 4)]
    for broken in (*bent, data[:-5], data + data[-4:], b"", b"vault:v1:", KEY):
        with pytest.raises(SealBroken):
            keeper.unwrap(WrappedKey(keeper.master, broken), associated=HERE)


def test_a_master_that_was_not_named_is_not_asked_for(outside: Outside) -> None:
    keeper = outside.make()
    with pytest.raises(MasterUnknown, match="somebody-elses"):
        keeper.unwrap(WrappedKey(f"{outside.kind}:somebody-elses", b"x"), associated=HERE)
    assert outside.fake.asked == []


def test_a_key_that_was_taken_back_opens_nothing(outside: Outside) -> None:
    wrapped = outside.make().wrap(KEY, associated=HERE)
    outside.disable()
    refusal(outside, wrapped)


def test_whoever_lost_the_right_gets_nothing(outside: Outside) -> None:
    wrapped = outside.make().wrap(KEY, associated=HERE)
    outside.deny()
    assert "denies" in refusal(outside, wrapped)
    assert "denies" in refusal(outside)


def test_a_key_that_is_not_there_is_told(outside: Outside) -> None:
    refusal(outside, keys=("projects/x/cryptoKeys/nobody" if outside.kind == "gcp" else "nobody",))


def test_a_keeper_that_is_away_is_asked_twice(outside: Outside) -> None:
    wrapped = outside.make().wrap(KEY, associated=HERE)
    outside.fake.url = "http://127.0.0.1:1"
    assert "127.0.0.1" not in outside.fake.asked
    refusal(outside, wrapped)
    assert len(outside.pauses) == 1


def test_a_keeper_that_hangs_does_not_hang_us(outside: Outside) -> None:
    wrapped = outside.make().wrap(KEY, associated=HERE)
    outside.fake.hangs = True
    reach = outside.reach(total_seconds=0.2, connect_seconds=0.2, idle_seconds=0.2, redirects=0)
    assert "did not answer in time" in refusal(outside, wrapped, reach=reach)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_stumble_is_made_up_for(outside: Outside, status: int) -> None:
    keeper = outside.make()
    wrapped = keeper.wrap(KEY, associated=HERE)
    outside.fake.fails = [status]
    assert keeper.unwrap(wrapped, associated=HERE) == KEY
    assert len(outside.pauses) == 1
    outside.fake.fails = [status, status]
    with pytest.raises(KeyUnavailable):
        keeper.unwrap(wrapped, associated=HERE)
    assert keeper.unwrap(wrapped, associated=HERE) == KEY


@pytest.mark.parametrize("answer", [(200, {}), (200, []), (200, {"data": 3}), (200, "x"), (302, {}), (418, {})])
def test_an_answer_of_something_else_is_none(
    outside: Outside, answer: tuple[int, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = outside.make()
    wrapped = keeper.wrap(KEY, associated=HERE)
    monkeypatch.setattr(outside.fake, "answer", lambda *_: answer)
    for ask in (
        lambda: keeper.unwrap(wrapped, associated=HERE),
        lambda: ProvenKeys(keeper).wrap(KEY, associated=HERE),
    ):
        with pytest.raises((KeyUnavailable, SealBroken)):
            ask()


def test_an_older_key_opens_behind_a_newer_one(outside: Outside) -> None:
    (older,) = outside.fake.keys
    newer = f"{older}-newer"
    outside.fake.keys[newer] = type(outside.fake.keys[older])()
    wrapped = outside.make().wrap(KEY, associated=HERE)
    moved = outside.make(keys=(newer, older))
    assert moved.unwrap(wrapped, associated=HERE) == KEY
    after = moved.wrap(KEY, associated=HERE)
    assert after.master.endswith("-newer")
    with pytest.raises(SealBroken):
        moved.unwrap(WrappedKey(after.master, wrapped.data), associated=HERE)


def test_a_keeper_on_a_private_address_is_reached_and_nothing_else_there_is(outside: Outside) -> None:
    """The fakes stand on 127.0.0.1, which is closed to everybody whom the operator did not name."""
    assert outside.make(reach=Reach(EgressPolicy())).wrap(KEY, associated=HERE)
    other = parse_egress_allow("10.0.0.0/8")
    assert outside.make(reach=Reach(EgressPolicy(allow=other))).wrap(KEY, associated=HERE)
    calls = Reach(EgressPolicy(), pause=outside.pauses.append).to("https://keeper.example", master="m")
    with pytest.raises(KeyUnavailable, match="not among the hosts"):
        calls.post(outside.fake.url)
    assert outside.pauses == []


def test_local_only_holds_for_keepers_too(outside: Outside) -> None:
    reach = Reach(EgressPolicy(local_only=True), pause=outside.pauses.append)
    assert outside.make(reach=reach).wrap(KEY, associated=HERE)
    with pytest.raises(KeyUnavailable, match="local-only"):
        reach.to("https://8.8.8.8", master="m").post("https://8.8.8.8/")


def test_nothing_secret_is_shown_by_what_knows_it(outside: Outside) -> None:
    keeper = outside.make()
    keeper.wrap(KEY, associated=HERE)
    shown = repr(vars(keeper)) + repr(vars(keeper).get("_account")) + repr(vars(vars(keeper).get("_lease", keeper)))
    for secret in outside.secrets:
        assert secret not in shown


def test_a_revoked_key_stops_serving_within_five_minutes(outside: Outside) -> None:
    now = [0.0]
    keys = CachedKeys(ProvenKeys(outside.make()), clock=lambda: now[0])
    wrapped = keys.wrap(KEY, associated=HERE)
    assert keys.unwrap(wrapped, associated=HERE) == KEY
    outside.disable()
    now[0] = 299.0
    assert keys.unwrap(wrapped, associated=HERE) == KEY
    now[0] = 300.0
    with pytest.raises(KeyUnavailable):
        keys.unwrap(wrapped, associated=HERE)


def test_the_cache_spares_the_keeper(outside: Outside) -> None:
    keys = CachedKeys(outside.make())
    wrapped = keys.wrap(KEY, associated=HERE)
    keys.unwrap(wrapped, associated=HERE)
    before = len(outside.fake.asked)
    for _ in range(100):
        keys.unwrap(wrapped, associated=HERE)
    assert len(outside.fake.asked) == before


def test_a_wrap_is_tried_before_it_is_handed_out(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = outside.make()
    proven = ProvenKeys(keeper)
    assert proven.unwrap(proven.wrap(KEY, associated=HERE), associated=HERE) == KEY
    monkeypatch.setattr(
        keeper, "wrap", lambda key, *, associated: type(keeper).wrap(keeper, new_key(), associated=associated)
    )
    with pytest.raises(KeyUnavailable, match="does not open again"):
        proven.wrap(KEY, associated=HERE)


def test_a_keeper_that_binds_to_no_place_is_found_out(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = outside.make()
    wrap, unwrap = keeper.wrap, keeper.unwrap
    monkeypatch.setattr(keeper, "wrap", lambda key, *, associated: wrap(key, associated=b""))
    monkeypatch.setattr(keeper, "unwrap", lambda wrapped, *, associated: unwrap(wrapped, associated=b""))
    with pytest.raises(KeyUnavailable, match="no notice of associated data"):
        ProvenKeys(keeper).wrap(KEY, associated=HERE)
