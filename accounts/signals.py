# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What allauth tells us: the only signals the house listens to. Each is translated into one call."""

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from django.contrib.auth.signals import user_login_failed
from django.dispatch import Signal

from accounts.models import Person
from accounts.operations.organizations import ensure_personal_organization
from accounts.operations.sign_ins import note_deed, note_failed_sign_in, note_sign_in

DEEDS: dict[str, Signal] = {
    "person.signed_out": account.user_logged_out,
    "person.password_changed": account.password_changed,
    "person.password_set": account.password_set,
    "person.password_reset": account.password_reset,
    "person.email_changed": account.email_changed,
    "person.email_added": account.email_added,
    "person.email_removed": account.email_removed,
    "person.second_factor_added": mfa.authenticator_added,
    "person.second_factor_removed": mfa.authenticator_removed,
    "person.second_factor_renewed": mfa.authenticator_reset,
}
"""The audit action that each signal about a person's own sign-in becomes."""


def listen() -> None:
    """Subscribe to allauth's signals."""
    account.user_signed_up.connect(_signed_up, dispatch_uid="accounts.signed_up")
    account.user_logged_in.connect(_signed_in, dispatch_uid="accounts.signed_in")
    user_login_failed.connect(_failed, dispatch_uid="accounts.sign_in_failed")
    mfa.authentication_failed.connect(_failed_second_factor, dispatch_uid="accounts.second_factor_failed")
    for deed, signal in DEEDS.items():
        signal.connect(_noting(deed), weak=False, dispatch_uid=f"accounts.{deed}")


def _signed_up(user: Person, **_: Any) -> None:
    ensure_personal_organization(user)


def _signed_in(user: Person, request: Any, **_: Any) -> None:
    methods = [record.get("method", "") for record in request.session.get("account_authentication_methods", [])]
    note_sign_in(user, method=", ".join(dict.fromkeys(methods)))


def _failed(credentials: dict[str, Any], **_: Any) -> None:
    email = credentials.get("email") or credentials.get("username")
    if isinstance(email, str):
        note_failed_sign_in(email, step="password")


def _failed_second_factor(user: Person, **_: Any) -> None:
    note_failed_sign_in(user.email, step="second-factor")


def _noting(deed: str) -> Any:
    def note(user: Person | None = None, authenticator: Any = None, **_: Any) -> None:
        if user is not None:
            kind = {"kind": str(authenticator.type)} if authenticator is not None else {}
            note_deed(user, deed, **kind)

    return note
