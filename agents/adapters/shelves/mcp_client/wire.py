# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How messages leave over HTTP: each request of the library, redirects too, through the house's one gate."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack

import httpx2

from codexos.kernel.egress import EgressPolicy
from codexos.kernel.errors import CodexosError
from codexos.kernel.http import HttpClient, HttpLimits, HttpStream

SESSION_SECONDS = 600.0
LIMITS = HttpLimits(
    total_seconds=SESSION_SECONDS, connect_seconds=10, idle_seconds=120, body_bytes=4 * 1024 * 1024, redirects=0
)
"""Of one answer. Redirects are followed by the library, at its server alone."""
# The gate says these itself.
_OWN = frozenset({"host", "content-length", "connection", "accept-encoding", "transfer-encoding"})


class Wire(httpx2.AsyncBaseTransport):
    """The library's transport. ``trouble`` is what last went wrong, in our words; ``status`` what was last answered.

    ``asks`` is how the server says that a sign-in is missing.
    """

    def __init__(self, egress: EgressPolicy, *, headers: Mapping[str, str]) -> None:
        self._client = HttpClient(egress, limits=LIMITS)
        self._headers = dict(headers)
        self.trouble: CodexosError | None = None
        self.status = 0
        self.asks = ""

    def client(self) -> httpx2.AsyncClient:
        """Return a client for the library that sends over this."""
        return httpx2.AsyncClient(transport=self, trust_env=False, timeout=httpx2.Timeout(SESSION_SECONDS))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request."""
        content = await request.aread()
        sent = {name: value for name, value in request.headers.items() if name.lower() not in _OWN} | self._headers
        stack = AsyncExitStack()
        try:
            opening = (
                self._client.stream(request.method, str(request.url), headers=sent, content=content)
                if content
                else self._client.stream(request.method, str(request.url), headers=sent)
            )
            stream = await stack.enter_async_context(opening)
        except CodexosError as error:
            self.trouble = error
            raise httpx2.ConnectError(error.message) from error
        self.status = stream.status
        self.asks = stream.headers.get("www-authenticate", "") if stream.status in (401, 403) else self.asks
        headers = [(name, value) for name, value in stream.headers.items() if name.lower() not in _OWN]
        return httpx2.Response(stream.status, headers=headers, stream=_Body(stream, stack, self), request=request)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()


class _Body(httpx2.AsyncByteStream):
    """An answer's body as it comes."""

    def __init__(self, stream: HttpStream, stack: AsyncExitStack, wire: Wire) -> None:
        self._stream = stream
        self._stack = stack
        self._wire = wire

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._stream.chunks():
                yield piece
        except CodexosError as error:
            self._wire.trouble = error
            raise httpx2.ReadError(error.message) from error

    async def aclose(self) -> None:
        await self._stack.aclose()
