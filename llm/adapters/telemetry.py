# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Whom this process tells of model calls, by the settings of the installation: mostly nobody, and that costs nothing.

OpenTelemetry's messages are loaded by the first call that is told, in a thread, and in no process that asks no model.
"""

import asyncio
import atexit
import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings

from codexos.kernel.http import EgressPolicy, parse_egress_allow

if TYPE_CHECKING:
    from llm.adapters.otlp import OtlpTracer


class _Wanted(NamedTuple):
    """What the settings say: another one is another tracer."""

    endpoint: str
    headers: tuple[tuple[str, str], ...]
    egress_allow: str
    is_local_only: bool


_lock = threading.Lock()
_tracers: "dict[_Wanted, OtlpTracer]" = {}


async def open_tracer() -> "OtlpTracer | None":
    """Return who tells, None where nobody is to be told."""
    if not settings.OTLP_ENDPOINT:
        return None
    wanted = _wanted(settings.OTLP_AUTH_HEADERS)
    # Loading them takes as long as some answers do, so the loop goes on meanwhile.
    return _tracers.get(wanted) or await asyncio.to_thread(_opened, wanted)


def open_tracer_here() -> "OtlpTracer | None":
    """Return who tells, to whoever works in a thread; None where nobody is to be told."""
    return _opened(_wanted(settings.OTLP_AUTH_HEADERS)) if settings.OTLP_ENDPOINT else None


def flush_telemetry() -> None:
    """Send what waits, in this thread."""
    for tracer in list(_tracers.values()):
        tracer.flush()


def close_telemetry() -> None:
    """Send what waits before a process ends, as far as that goes in a few seconds."""
    with _lock:
        while _tracers:
            _tracers.popitem()[1].close()


def _wanted(headers: Mapping[str, str]) -> _Wanted:
    return _Wanted(settings.OTLP_ENDPOINT, tuple(headers.items()), settings.EGRESS_ALLOW, settings.EGRESS_LOCAL_ONLY)


def _opened(wanted: _Wanted) -> "OtlpTracer":
    from llm.adapters.otlp import OtlpTracer

    with _lock:
        if wanted not in _tracers:
            _tracers[wanted] = OtlpTracer(
                f"{wanted.endpoint}/v1/traces",
                headers=dict(wanted.headers),
                policy=_policy(wanted),
                service={"service.name": "codexos", "service.instance.id": f"{os.uname().nodename}-{os.getpid()}"},
            )
        return _tracers[wanted]


def _policy(wanted: _Wanted) -> EgressPolicy:
    """Only to the host that the operator's own setting names, wherever that is; in local-only mode if it is local."""
    parts = urlsplit(wanted.endpoint)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    return EgressPolicy(
        allow=parse_egress_allow(wanted.egress_allow),
        local_only=wanted.is_local_only,
        only_hosts=frozenset({host}),
        named=frozenset({(host, port)}),
    )


atexit.register(close_telemetry)
