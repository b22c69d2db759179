# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Renewing OAuth tokens when they are used. One asks at a time, since a refresh token is mostly good for one use.

Between the provider's answer and our commit lies a moment in which a killed process loses the new token; nobody who
speaks this protocol can close it. Then the secret's people connect it again.
"""

import time
from datetime import datetime, timedelta

from django.db.models import Q

from accounts.actor import Actor
from accounts.operations.audit import record_event
from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.errors import Unavailable
from vault.adapters.gate import egress_policy
from vault.adapters.tokens import ask_for_token
from vault.engine.oauth import OAuthToken
from vault.errors import TokenBeingRenewed
from vault.models import Origin, Secret
from vault.operations.keys import HeldKey, key_in_use
from vault.operations.secrets import NewValue, append_version

_HELD = timedelta(seconds=20)
_POLLED_EVERY_SECONDS = 0.1


def renew_token(actor: Actor, secret: Secret, token: OAuthToken) -> bool:
    """Have the token's successor sealed as a new version, by this process or by another one that was faster.

    False where the provider cannot be reached and the token is still good. Raises RefreshRefused, Unavailable kinds,
    EgressRefused.
    """
    # Before the provider is asked: a refresh token that was spent must not be lost for want of a key to seal the next.
    held = key_in_use(secret.organization_id)
    until = _hold(secret)
    if until is None:
        _wait_for_other(secret)
        return True
    try:
        renewed = ask_for_token(token, policy=egress_policy())
    except Unavailable:
        _let_go(secret, until)
        if token.is_over(clock.now()):
            raise
        return False
    except BaseException:
        _let_go(secret, until)
        raise
    _keep(actor, secret, renewed, held=held)
    return True


def _keep(actor: Actor, asked: Secret, token: OAuthToken, *, held: HeldKey) -> None:
    with tenant(asked.organization_id):
        secret = Secret.objects.for_organization(asked.organization_id).select_for_update().get(pk=asked.pk)
        secret.refreshing_until = None
        if secret.current_number != asked.current_number:
            # Somebody connected it anew meanwhile: theirs stays.
            secret.save(update_fields=["refreshing_until"])
            return
        append_version(actor, secret, NewValue(token.as_value(), Origin.REFRESHED), held=held)
        record_event(actor, "secret.refreshed", about=secret, version=secret.current_number)


def _hold(secret: Secret) -> datetime | None:
    """Return until when this process has the token to itself; None where another one has, or has renewed it."""
    now = clock.now()
    until = now + _HELD
    is_free = Q(refreshing_until=None) | Q(refreshing_until__lt=now)
    with tenant(secret.organization_id):
        rows = Secret.objects.for_organization(secret.organization_id).filter(is_free, pk=secret.pk)
        return until if rows.filter(current_number=secret.current_number).update(refreshing_until=until) else None


def _let_go(secret: Secret, until: datetime) -> None:
    with tenant(secret.organization_id):
        rows = Secret.objects.for_organization(secret.organization_id)
        # Only what is still ours: who came late finds that another one has it by now.
        rows.filter(pk=secret.pk, refreshing_until=until).update(refreshing_until=None)


def _wait_for_other(secret: Secret) -> None:
    """Return once another process has renewed the token. Raises TokenBeingRenewed where that takes too long."""
    for _ in range(round(_HELD.total_seconds() / _POLLED_EVERY_SECONDS)):
        with tenant(secret.organization_id):
            rows = Secret.objects.for_organization(secret.organization_id).filter(pk=secret.pk)
            number, until = rows.values_list("current_number", "refreshing_until").get()
        if number != secret.current_number:
            return
        if until is None:
            break
        time.sleep(_POLLED_EVERY_SECONDS)
    raise TokenBeingRenewed(key=secret.key)
