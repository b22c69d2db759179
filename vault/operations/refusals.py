# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What was tried with a secret and did not come about stands in the audit trail too."""

from collections.abc import Iterator
from contextlib import contextmanager

from accounts.actor import Actor
from accounts.operations.audit import record_event
from accounts.tenancy import tenant
from codexos.kernel.errors import CodexosError


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
        record_event(actor, "secret.refused", tried=tried, key=key[:100], code=code)
