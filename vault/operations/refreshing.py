# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Renewing OAuth tokens when they are used. One asks at a time, since a refresh token is mostly good for one use.

Between the provider's answer and our commit lies a moment in which a killed process loses the new token; nobody who
speaks this protocol can close it. Then the secret's people connect it again.
"""

import time
from datetime import timedelta

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
from vault.operations.keys import key_in_use
from vault.operations.secrets import NewValue, append_version

_HELD = timedelta(seconds=20)
_POLLED_EVERY_SECONDS = 0.1


def renew_token(actor: Actor, secret: Secret, token: OAuthToken) -> OAuthToken | None:
    """Return the token's successor, sealed as a new version; None where another process has made one meanwhile.

    Where the provider cannot be reached and the token is still good, it is returned as it is. Raises RefreshRefused,
    Unavailable kinds, EgressRefused.
    """
    if not _hold(secret):
        _wait_for_other(secret)
        return None
    try:
        renewed = ask_for_token(token, policy=egress_policy())
    except Unavailable:
        _let_go(secret)
        if token.is_over(clock.now()):
            raise
        return token
    except BaseException:
        _let_go(secret)
        raise
    _keep(actor, secret, renewed)
    return renewed


def _keep(actor: Actor, asked: Secret, token: OAuthToken) -> None:
    held = key_in_use(asked.organization_id)
    with tenant(asked.organization_id):
        secret = Secret.objects.for_organization(asked.organization_id).select_for_update().get(pk=asked.pk)
        secret.refreshing_until = None
        if secret.current_number != asked.current_number:
            # Somebody connected it anew meanwhile: theirs stays.
            secret.save(update_fields=["refreshing_until"])
            return
        append_version(actor, secret, NewValue(token.as_value(), Origin.REFRESHED), held=held)
        record_event(actor, "secret.refreshed", about=secret, version=secret.current_number)


def _hold(secret: Secret) -> bool:
    now = clock.now()
    is_free = Q(refreshing_until=None) | Q(refreshing_until__lt=now)
    with tenant(secret.organization_id):
        rows = Secret.objects.for_organization(secret.organization_id).filter(is_free, pk=secret.pk)
        return bool(rows.filter(current_number=secret.current_number).update(refreshing_until=now + _HELD))


def _let_go(secret: Secret) -> None:
    with tenant(secret.organization_id):
        Secret.objects.for_organization(secret.organization_id).filter(pk=secret.pk).update(refreshing_until=None)


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
