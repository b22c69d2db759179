# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What was tried with a secret and did not come about stands in the audit trail too."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from accounts.actor import Actor
from accounts.operations.audit import record_event
from accounts.tenancy import tenant
from codexos.kernel.errors import CodexosError
from codexos.kernel.ids import parse_id
from vault.errors import SecretInvalid
from vault.operations.naming import clean_key


@contextmanager
def auditing_refusals(actor: Actor, tried: str, *, key: str) -> Iterator[None]:
    """Write down that something was refused, in a transaction of its own, and let the refusal through."""
    try:
        yield
    except CodexosError as error:
        note_refusal(actor, tried, key=key, code=error.code)
        raise


def note_refusal(actor: Actor, tried: str, *, key: str, code: str) -> None:
    """Write down that something was refused before it came to a secret: what was sent could not even be read."""
    with tenant(actor.organization_id):
        record_event(actor, "secret.refused", tried=tried, key=_nameable(key), code=code)


def _nameable(key: str) -> str:
    """Return a key or an id, nothing of what is neither: people paste values where keys go, and a trail keeps them."""
    if parse_id(key) is not None:
        return key
    with suppress(SecretInvalid):
        return clean_key(key)
    return ""
