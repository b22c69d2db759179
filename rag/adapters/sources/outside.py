# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How sources reach the outside: our one client, the egress rules of the installation, refusals by their names."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from codexos.kernel import clock
from codexos.kernel.answers import BlockingHttpStream
from codexos.kernel.http import BlockingHttpClient, EgressPolicy, HttpLimits, Unreachable, parse_egress_allow
from rag.engine.refusals import Refusal, error_of
from rag.errors.sources import SourceUnreachable


def egress_policy(*, carries_key: bool) -> EgressPolicy:
    """Return what a source may reach; a key travels over TLS alone, but to addresses that the operator has opened."""
    return EgressPolicy(
        allow=parse_egress_allow(settings.EGRESS_ALLOW),
        local_only=settings.EGRESS_LOCAL_ONLY,
        sealed_only=carries_key,
    )


def client(*, carries_key: bool, limits: HttpLimits) -> BlockingHttpClient:
    """Return a client for one source."""
    return BlockingHttpClient(egress_policy(carries_key=carries_key), limits=limits)


@contextmanager
def plain_outside(where: str) -> Iterator[None]:
    """Name what does not answer after the source. Raises SourceUnreachable."""
    try:
        yield
    except Unreachable as error:
        raise SourceUnreachable(where, because=str(error.details.get("because", "it did not answer"))) from None


def insist_success(answer: BlockingHttpStream, *, where: str, has_key: bool, said: str = "") -> None:
    """Do nothing where an answer tells of success. Raises SourceRefused, SourceVanished, SourceUnreachable."""
    if not 200 <= answer.status < 300:
        refusal = Refusal(where, answer.status, answer.headers, has_key=has_key, said=said)
        raise error_of(refusal, now=clock.now())
