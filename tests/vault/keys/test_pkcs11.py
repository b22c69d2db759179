# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A PKCS#11 token, for real: SoftHSM keeps the key, and lets nobody have it."""

import os
import shutil
import subprocess
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pkcs11
import pytest
from pkcs11 import Attribute, KeyType

from codexos.kernel.sealing import SealBroken
from tests.vault.keys.outside import HERE, KEY, THERE
from vault.adapters.keys.cached import CachedKeys
from vault.adapters.keys.pkcs11 import Pkcs11Keys, TokenAccount
from vault.adapters.keys.proven import ProvenKeys
from vault.crypto.ports import WrappedKey
from vault.errors import KeyUnavailable, MasterUnknown

MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)
LABEL, PIN, OWNER_PIN = "codexos test", "p1n-4711", "0wner-4711"
INSTALL = "SoftHSM is missing: apt-get install -y --no-install-recommends softhsm2"


# The library complains about searches whose session these tests take away.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@dataclass
class Hsm:
    """A folder of tokens, and the library that speaks to them."""

    module: str
    folder: Path

    def keeper(self, *keys: str, **changed: object) -> Pkcs11Keys:
        """Return a keeper that has asked nothing yet; none before it has a session left."""
        forget_sessions(self.module)
        given = {"module": self.module, "token": LABEL, "pin": PIN, **changed}
        return Pkcs11Keys(TokenAccount(**given), keys or ("master",))  # type: ignore[arg-type]

    def make_key(self, label: str, **attributes: bool) -> None:
        """Put an AES key into the token."""
        forget_sessions(self.module)
        template = {
            Attribute.SENSITIVE: attributes.get("sensitive", True),
            Attribute.EXTRACTABLE: attributes.get("extractable", False),
        }
        with pkcs11.lib(self.module).get_token(token_label=LABEL).open(rw=True, user_pin=PIN) as session:
            session.generate_key(KeyType.AES, 256, label=label, store=True, template=template)

    def destroy_key(self, label: str) -> None:
        """Take a key out of the token for good."""
        forget_sessions(self.module)
        with pkcs11.lib(self.module).get_token(token_label=LABEL).open(rw=True, user_pin=PIN) as session:
            session.get_key(label=label).destroy()


def forget_sessions(module: str) -> None:
    """Begin the library anew: whoever signed in before is signed out."""
    pkcs11.lib(module).reinitialize()


@pytest.fixture(scope="module")
def hsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hsm]:
    """A fresh token of SoftHSM with the key ``master`` in it."""
    module = next((path for path in MODULES if Path(path).exists()), None)
    if module is None or not shutil.which("softhsm2-util"):
        pytest.fail(INSTALL) if os.environ.get("CI") else pytest.skip(INSTALL)
    folder = tmp_path_factory.mktemp("hsm")
    (folder / "tokens").mkdir()
    settings = f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"
    (folder / "softhsm2.conf").write_text(settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
        words = ["softhsm2-util", "--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", OWNER_PIN]
        subprocess.run(words, check=True, capture_output=True)
        found = Hsm(module, folder)
        found.make_key("master")
        yield found
        pkcs11.unload(module)


def refusal(keeper: Pkcs11Keys) -> str:
    """Return why a key is not to be had, in words that give nothing away."""
    with pytest.raises(KeyUnavailable) as raised:
        keeper.wrap(KEY, associated=HERE)
    said = "".join(traceback.format_exception(raised.value)) + repr(raised.value)
    assert PIN not in said.replace(str(raised.traceback), "")
    assert str(KEY) not in said
    return raised.value.message


def test_a_key_comes_back_and_is_another_every_time(hsm: Hsm) -> None:
    keeper = hsm.keeper()
    one, other = (ProvenKeys(keeper).wrap(KEY, associated=HERE) for _ in range(2))
    assert one.data != other.data
    assert one.master == keeper.master == f"pkcs11:{LABEL}/master"
    assert [hsm.keeper().unwrap(wrapped, associated=HERE) for wrapped in (one, other)] == [KEY, KEY]


def test_another_organization_and_another_bit_open_nothing(hsm: Hsm) -> None:
    keeper = hsm.keeper()
    wrapped = keeper.wrap(KEY, associated=HERE)
    for place in (THERE, b"", HERE + b"\0"):
        with pytest.raises(SealBroken):
            keeper.unwrap(wrapped, associated=place)
    for at in range(len(wrapped.data)):
        bent = wrapped.data[:at] + bytes([wrapped.data[at] ^ 1]) + wrapped.data[at + 1 :]
        with pytest.raises(SealBroken):
            keeper.unwrap(WrappedKey(wrapped.master, bent), associated=HERE)
    for cut in (b"", wrapped.data[:27], wrapped.data[:-1], wrapped.data + b"\0"):
        with pytest.raises(SealBroken):
            keeper.unwrap(WrappedKey(wrapped.master, cut), associated=HERE)
    assert keeper.unwrap(wrapped, associated=HERE) == KEY


def test_the_key_cannot_be_taken_out(hsm: Hsm) -> None:
    forget_sessions(hsm.module)
    with pkcs11.lib(hsm.module).get_token(token_label=LABEL).open(user_pin=PIN) as session:
        found = session.get_key(label="master")
        with pytest.raises(pkcs11.AttributeSensitive):
            _ = found[Attribute.VALUE]


@pytest.mark.parametrize("attributes", [{"extractable": True}, {"sensitive": False}])
def test_a_key_that_could_be_taken_out_is_not_used(hsm: Hsm, attributes: dict[str, bool]) -> None:
    label = f"loose {next(iter(attributes))}"
    hsm.make_key(label, **attributes)
    assert "could be taken out" in refusal(hsm.keeper(label))


def test_a_wrong_pin_gets_nothing(hsm: Hsm) -> None:
    assert "PIN" in refusal(hsm.keeper(pin="p1n-wrong"))
    assert hsm.keeper().wrap(KEY, associated=HERE)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"token": "nobody's"}, "no token with that label"),
        ({"slot": 999_999_999}, "no token with that label"),
        ({"module": "/usr/lib/no-such-module.so"}, "cannot be used"),
    ],
)
def test_a_token_that_is_not_there_is_told(hsm: Hsm, changed: dict[str, object], words: str) -> None:
    assert words in refusal(hsm.keeper(**changed))


def test_a_slot_may_be_named(hsm: Hsm) -> None:
    forget_sessions(hsm.module)
    slot = pkcs11.lib(hsm.module).get_token(token_label=LABEL).slot.slot_id
    assert hsm.keeper(slot=slot).wrap(KEY, associated=HERE)


def test_a_key_that_was_never_there_or_not_named_is_told_apart(hsm: Hsm) -> None:
    assert "no AES key with that label" in refusal(hsm.keeper("nobody"))
    with pytest.raises(MasterUnknown):
        hsm.keeper().unwrap(WrappedKey(f"pkcs11:{LABEL}/not named", KEY), associated=HERE)


def test_a_destroyed_key_stops_serving_within_five_minutes(hsm: Hsm) -> None:
    hsm.make_key("short-lived")
    now = [0.0]
    keys = CachedKeys(hsm.keeper("short-lived"), clock=lambda: now[0])
    wrapped = keys.wrap(KEY, associated=HERE)
    assert keys.unwrap(wrapped, associated=HERE) == KEY
    hsm.destroy_key("short-lived")
    assert keys.unwrap(wrapped, associated=HERE) == KEY
    now[0] = 300.0
    with pytest.raises(KeyUnavailable):
        keys.unwrap(wrapped, associated=HERE)


def test_a_session_that_was_lost_is_opened_anew(hsm: Hsm) -> None:
    keeper = hsm.keeper()
    wrapped = keeper.wrap(KEY, associated=HERE)
    forget_sessions(hsm.module)
    assert keeper.unwrap(wrapped, associated=HERE) == KEY


def test_an_older_key_opens_behind_a_newer_one(hsm: Hsm) -> None:
    hsm.make_key("newer")
    wrapped = hsm.keeper().wrap(KEY, associated=HERE)
    moved = hsm.keeper("newer", "master")
    assert moved.unwrap(wrapped, associated=HERE) == KEY
    assert moved.wrap(KEY, associated=HERE).master.endswith("/newer")


def test_two_keepers_in_one_process_share_the_sign_in(hsm: Hsm) -> None:
    first = hsm.keeper()
    wrapped = first.wrap(KEY, associated=HERE)
    second = Pkcs11Keys(TokenAccount(hsm.module, LABEL, PIN), ("master",))
    assert second.unwrap(wrapped, associated=HERE) == first.unwrap(wrapped, associated=HERE) == KEY


def test_many_threads_are_served_in_turn(hsm: Hsm) -> None:
    keeper = hsm.keeper()
    with ThreadPoolExecutor(16) as pool:
        wraps = list(pool.map(lambda _: keeper.wrap(KEY, associated=HERE), range(64)))
        opened = list(pool.map(lambda one: keeper.unwrap(one, associated=HERE), wraps))
    assert opened == [KEY] * 64
    assert len({one.data for one in wraps}) == 64


def test_a_forked_process_opens_a_session_of_its_own(hsm: Hsm) -> None:
    keeper = hsm.keeper()
    wrapped = keeper.wrap(KEY, associated=HERE)
    child = os.fork()
    if not child:
        try:
            fresh = Pkcs11Keys(TokenAccount(hsm.module, LABEL, PIN), ("master",))
            os._exit(0 if fresh.unwrap(wrapped, associated=HERE) == KEY else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert keeper.unwrap(wrapped, associated=HERE) == KEY


def test_the_pin_is_not_shown() -> None:
    assert PIN not in repr(TokenAccount("module", LABEL, PIN))
