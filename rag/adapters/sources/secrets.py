# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The key of a source: opened in the vault as who connected the source, at the moment it is read, and audited."""

from dataclasses import replace

from accounts.actor import Actor, ActorKind
from accounts.queries.grants import load_actor
from accounts.tenancy import tenant
from codexos.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound
from codexos.kernel.redaction import Redactor, redact_in_logs
from rag.errors.sources import SourceRefused
from rag.models import Source
from vault.operations.values import use_secret


def open_secret(source: Source) -> str:
    """Return the value of the secret that a source names. Raises SourceRefused, KeyUnavailable."""
    with tenant(source.organization_id):
        actor = _maker_of(source)
        project = source.base.project
    try:
        opened = use_secret(actor, source.secret, project=project, by={"source": str(source.pk)})
        value = opened.usable.decode().strip()
    except (NotFound, NotAllowed):
        raise _unusable(source, "is gone, not shared with who connected it, or denied to them") from None
    except (Conflict, InvalidInput) as error:
        raise _unusable(source, f"cannot be used ({error.message})") from None
    except UnicodeDecodeError:
        raise _unusable(source, "is no text") from None
    redact_in_logs(Redactor([opened.value, opened.usable, value]))
    return value


def _maker_of(source: Source) -> Actor:
    actor = load_actor(source.made_by, organization_id=source.organization_id)
    if actor is None:
        raise _unusable(source, "was to be opened for who connected the source, and they have left")
    return replace(actor, kind=ActorKind.SCHEDULE)


def _unusable(source: Source, because: str) -> SourceRefused:
    advice = "Name another secret, or connect the source anew as somebody who may use it."
    return SourceRefused(source.name, because=f"its secret {source.secret!r} {because}", advice=advice)
