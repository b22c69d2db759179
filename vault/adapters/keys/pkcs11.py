# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keys of organizations, closed inside of a PKCS#11 token: an AES key in it that can neither be read nor taken out.

AES-GCM (CKM_AES_GCM) with a random nonce of 12 bytes, and with the place a key belongs to as associated data.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from secrets import token_bytes
from threading import Lock
from typing import Any, Protocol, TypeVar, cast

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass, PKCS11Error, Session, Token
from pkcs11.exceptions import (
    DeviceError,
    DeviceRemoved,
    EncryptedDataInvalid,
    EncryptedDataLenRange,
    FunctionFailed,
    GeneralError,
    KeyHandleInvalid,
    MultipleObjectsReturned,
    NoSuchKey,
    NoSuchToken,
    ObjectHandleInvalid,
    PinExpired,
    PinIncorrect,
    PinInvalid,
    PinLocked,
    SessionClosed,
    SessionHandleInvalid,
    TokenNotPresent,
    UserAlreadyLoggedIn,
    UserNotLoggedIn,
)
from pkcs11.mechanisms import GCMParams

from codexos.kernel.sealing import NONCE_BYTES, TAG_BYTES, SealBroken
from vault.crypto.ports import WrappedKey
from vault.errors import KeyUnavailable, MasterUnknown

KIND = "pkcs11"
# The session behind a handle is gone, as after a restart of the token: another one may do.
_LOST = (SessionHandleInvalid, SessionClosed, KeyHandleInvalid, ObjectHandleInvalid, UserNotLoggedIn, DeviceRemoved)
# Tokens say it in different words when the tag of AES-GCM does not fit, SoftHSM in words that may mean anything.
_PERHAPS_BROKEN = (EncryptedDataInvalid, EncryptedDataLenRange, GeneralError, FunctionFailed, DeviceError)
_REASONS: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((PinIncorrect, PinInvalid, PinLocked, PinExpired), "the token does not take the PIN"),
    ((NoSuchToken, TokenNotPresent, DeviceRemoved), "no token with that label is there"),
    ((NoSuchKey,), "the token has no AES key with that label"),
    ((MultipleObjectsReturned,), "the token has several AES keys with that label"),
)
_T = TypeVar("_T")


class _Master(Protocol):
    """What is asked of a key in a token; the library puts such keys together when it meets them."""

    def __getitem__(self, attribute: Attribute) -> Any: ...

    def encrypt(self, data: bytes, **how: Any) -> bytes: ...

    def decrypt(self, data: bytes, **how: Any) -> bytes: ...


_loaded_in: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class TokenAccount:
    """Which library speaks to the token, which token it is, and the PIN of its user."""

    module: str
    token: str
    pin: str = field(repr=False)
    slot: int | None = None


class Pkcs11Keys:
    """Keeps the port KeyProvider by a token. The first key closes, all that are named open.

    One session serves all threads in turn: what is asked for is small, seldom and cached.
    """

    def __init__(self, account: TokenAccount, keys: tuple[str, ...]) -> None:
        self._account = account
        self._names = {f"{KIND}:{account.token}/{key}": key for key in keys}
        self._lock = Lock()
        self._session: Session | None = None

    @property
    def master(self) -> str:
        """The name of the first key, with the label of its token."""
        return next(iter(self._names))

    def wrap(self, key: bytes, *, associated: bytes) -> WrappedKey:
        """See the port."""
        return WrappedKey(self.master, self._with(self.master, lambda master: _close(master, key, associated)))

    def unwrap(self, wrapped: WrappedKey, *, associated: bytes) -> bytes:
        """See the port."""
        if wrapped.master not in self._names:
            raise MasterUnknown(master=wrapped.master)
        if len(wrapped.data) < NONCE_BYTES + TAG_BYTES:
            raise SealBroken
        return self._with(wrapped.master, lambda master: _open_or_tell(master, wrapped.data, associated))

    def _with(self, name: str, deed: Callable[[_Master], _T]) -> _T:
        with self._lock:
            try:
                return deed(self._master(name))
            except _LOST:
                self._end()
            except (PKCS11Error, OSError) as error:
                self._end()
                raise self._failure(name, error) from None
            try:
                return deed(self._master(name))
            except (PKCS11Error, OSError) as error:
                self._end()
                raise self._failure(name, error) from None

    def _master(self, name: str) -> _Master:
        if self._session is None:
            self._session = self._sign_in()
        wanted: dict[str, Any] = {
            "object_class": ObjectClass.SECRET_KEY,
            "key_type": KeyType.AES,
            "label": self._names[name],
        }
        found = cast(_Master, self._session.get_key(**wanted))
        if found[Attribute.EXTRACTABLE] or not found[Attribute.SENSITIVE]:
            raise KeyUnavailable(master=name, because="the key could be taken out of the token; make one that cannot")
        return found

    def _sign_in(self) -> Session:
        token = self._token()
        try:
            return token.open(user_pin=self._account.pin)
        except UserAlreadyLoggedIn:
            # The sign-in belongs to the process, not to the session: somebody in here has done it.
            return token.open()

    def _token(self) -> Token:
        library = _library(self._account.module)
        if self._account.slot is None:
            return cast(Token, library.get_token(token_label=self._account.token))
        for slot in library.get_slots(token_present=True):
            if slot.slot_id == self._account.slot and (token := slot.get_token()).label == self._account.token:
                return cast(Token, token)
        raise NoSuchToken

    def _end(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            try:
                session.close()
            except PKCS11Error:
                return

    def _failure(self, name: str, error: Exception) -> KeyUnavailable:
        for kinds, because in _REASONS:
            if isinstance(error, kinds):
                return KeyUnavailable(master=name, because=because)
        return KeyUnavailable(master=name, because=f"the token answered {type(error).__name__}")


def _close(master: _Master, key: bytes, associated: bytes) -> bytes:
    nonce = token_bytes(NONCE_BYTES)
    return nonce + bytes(master.encrypt(key, mechanism=Mechanism.AES_GCM, mechanism_param=_how(nonce, associated)))


def _open(master: _Master, data: bytes, associated: bytes) -> bytes:
    nonce, closed = data[:NONCE_BYTES], data[NONCE_BYTES:]
    return bytes(master.decrypt(closed, mechanism=Mechanism.AES_GCM, mechanism_param=_how(nonce, associated)))


def _open_or_tell(master: _Master, data: bytes, associated: bytes) -> bytes:
    try:
        return _open(master, data, associated)
    except _PERHAPS_BROKEN:
        # A token that closes and opens something else a moment later is well: then it is the data that is not.
        _open(master, _close(master, bytes(1), associated), associated)
        raise SealBroken from None


def _how(nonce: bytes, associated: bytes) -> GCMParams:
    return GCMParams(nonce, associated, TAG_BYTES * 8)


def _library(module: str) -> Any:
    """Return the library, begun anew in a process that was forked from one that had begun it."""
    library: Any = pkcs11.lib(module)
    if _loaded_in.setdefault(module, os.getpid()) != os.getpid():
        library.reinitialize()
        _loaded_in[module] = os.getpid()
    return library
