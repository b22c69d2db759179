# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The one way out: every HTTP request of the house leaves through this gate, every redirect again.

``HttpClient`` is for coroutines of one event loop, ``BlockingHttpClient`` for threads. Libraries that bring a client
of their own are handed ``gated_async_client`` or ``gated_client``. The environment (proxies, .netrc) is ignored.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Self, TypedDict, Unpack, cast

import httpcore
import httpx

from codexos.kernel.answers import (
    BlockingHttpStream,
    HttpAnswer,
    HttpLimits,
    HttpStream,
    ResponseTooLarge,
    Terms,
    Unpacker,
    Unreachable,
)
from codexos.kernel.asking import REDIRECTS, Ask, AskOptions, Origin, RequestInvalid, follow, read_ask
from codexos.kernel.deadlines import Deadline
from codexos.kernel.egress import EgressPolicy, EgressRefused, parse_egress_allow
from codexos.kernel.pinning import AsyncPinnedBackend, PinnedBackend, Resolver, resolve, until

__all__ = [
    "BlockingHttpClient",
    "BlockingHttpStream",
    "EgressPolicy",
    "EgressRefused",
    "HttpAnswer",
    "HttpClient",
    "HttpLimits",
    "HttpStream",
    "RequestInvalid",
    "ResponseTooLarge",
    "Unreachable",
    "gated_async_client",
    "gated_client",
    "parse_egress_allow",
]

DEFAULT_LIMITS = HttpLimits()
_PORTS = {"http": 80, "https": 443}
_TERMS = "codexos_terms"
_TOO_LONG = "the whole exchange took too long"
_KEEPALIVE_SECONDS = 30.0
_DEFAULT_HEADERS = {"User-Agent": "CodexOS", "Accept": "*/*"}
_WIRE_HEADERS = frozenset({b"content-encoding", b"content-length"})


class ClientOptions(TypedDict, total=False):
    """What a client is made with: limits where a request names none, how names resolve, whom TLS trusts."""

    limits: HttpLimits
    resolver: Resolver
    tls: ssl.SSLContext


class _AsyncBody(httpx.AsyncByteStream):
    """A body unpacked, counted and ended by the deadline on its way."""

    def __init__(self, stream: httpx.AsyncByteStream, unpacker: Unpacker, *, deadline: float) -> None:
        self._stream = stream
        self._unpacker = unpacker
        self._deadline = Deadline(deadline)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces, unpacker = aiter(self._stream), self._unpacker
        try:
            while (packed := await self._deadline.next(pieces)) is not None:
                for piece in unpacker.feed(packed):
                    yield piece
        except TimeoutError:
            raise httpx.ReadTimeout(_TOO_LONG) from None
        finally:
            self._deadline.lift()
        unpacker.finish()

    async def aclose(self) -> None:
        self._deadline.lift()
        await self._stream.aclose()


class _Body(httpx.SyncByteStream):
    """The same for threads."""

    def __init__(self, stream: httpx.SyncByteStream, unpacker: Unpacker, *, deadline: float) -> None:
        self._stream = stream
        self._unpacker = unpacker
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        pieces = iter(self._stream)
        while (packed := self._next(pieces)) is not None:
            yield from self._unpacker.feed(packed)
        self._unpacker.finish()

    def _next(self, pieces: Iterator[bytes]) -> bytes | None:
        with until(self._deadline):
            return next(pieces, None)

    def close(self) -> None:
        self._stream.close()


class _AsyncGate(httpx.AsyncHTTPTransport):
    """Every hop of every request passes here, whichever client sends it."""

    def __init__(
        self, policy: EgressPolicy, *, limits: HttpLimits, backend: AsyncPinnedBackend, tls: ssl.SSLContext
    ) -> None:
        self._policy = policy
        self._limits = limits
        # Instead of the parent's: its constructor knows no way to hand over a network backend.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls, network_backend=backend, max_connections=100, keepalive_expiry=_KEEPALIVE_SECONDS
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        _admit(request, self._policy)
        terms = _terms(request, otherwise=self._limits)
        async with _within(terms.deadline):
            response = await super().handle_async_request(request)
        try:
            unpacker = terms.unpacker(request.method, response.headers, host=request.url.host)
        except Exception:
            await response.aclose()
            raise
        body = _AsyncBody(cast(httpx.AsyncByteStream, response.stream), unpacker, deadline=terms.deadline)
        return _unpacked(response, body, is_packed=unpacker.is_packed)


class _Gate(httpx.HTTPTransport):
    """The same for threads."""

    def __init__(
        self, policy: EgressPolicy, *, limits: HttpLimits, backend: PinnedBackend, tls: ssl.SSLContext
    ) -> None:
        self._policy = policy
        self._limits = limits
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls, network_backend=backend, max_connections=100, keepalive_expiry=_KEEPALIVE_SECONDS
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        _admit(request, self._policy)
        terms = _terms(request, otherwise=self._limits)
        with until(terms.deadline):
            response = super().handle_request(request)
        try:
            unpacker = terms.unpacker(request.method, response.headers, host=request.url.host)
        except Exception:
            response.close()
            raise
        body = _Body(cast(httpx.SyncByteStream, response.stream), unpacker, deadline=terms.deadline)
        return _unpacked(response, body, is_packed=unpacker.is_packed)


class HttpClient:
    """Asks on the event loop it was made for; close it with ``async with`` or ``aclose``."""

    def __init__(self, policy: EgressPolicy, **options: Unpack[ClientOptions]) -> None:
        self._limits = options.get("limits", DEFAULT_LIMITS)
        # Without httpx's client around it, which would do once more what is done here: redirects, cookies, headers.
        self._gate = _async_gate(policy, options)

    async def request(self, method: str, url: str, **options: Unpack[AskOptions]) -> HttpAnswer:
        """Return the whole answer, of whatever status. Raises EgressRefused, Unreachable, ResponseTooLarge."""
        async with self.stream(method, url, **options) as stream:
            return await stream.read()

    @asynccontextmanager
    async def stream(self, method: str, url: str, **options: Unpack[AskOptions]) -> AsyncIterator[HttpStream]:
        """Give the answer as soon as its headers are there. Raises EgressRefused, Unreachable, ResponseTooLarge."""
        found, response = await self._send(read_ask(method, url, options), options.get("limits", self._limits))
        try:
            yield HttpStream(response.status_code, str(found), response.headers, _pieces_on_loop(response, found))
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._gate.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.aclose()

    async def _send(self, ask: Ask, limits: HttpLimits) -> tuple[httpx.URL, httpx.Response]:
        terms = Terms.starting_now(limits)
        for left in range(limits.redirects, -1, -1):
            request = _request(ask, terms)
            with _plain_errors(request.url):
                response = await self._gate.handle_async_request(request)
            response.request = request
            if not _is_followed(response, limits):
                break
            await response.aclose()
            ask = _following(ask, response, left=left)
        return request.url, response


class BlockingHttpClient:
    """Asks from threads, several at once if need be; close it with ``with`` or ``close``."""

    def __init__(self, policy: EgressPolicy, **options: Unpack[ClientOptions]) -> None:
        self._limits = options.get("limits", DEFAULT_LIMITS)
        self._client = gated_client(policy, **options)

    def request(self, method: str, url: str, **options: Unpack[AskOptions]) -> HttpAnswer:
        """Return the whole answer, of whatever status. Raises EgressRefused, Unreachable, ResponseTooLarge."""
        with self.stream(method, url, **options) as stream:
            return stream.read()

    @contextmanager
    def stream(self, method: str, url: str, **options: Unpack[AskOptions]) -> Iterator[BlockingHttpStream]:
        """Give the answer as soon as its headers are there. Raises EgressRefused, Unreachable, ResponseTooLarge."""
        response = self._send(read_ask(method, url, options), options.get("limits", self._limits))
        try:
            yield BlockingHttpStream(response.status_code, str(response.url), response.headers, _pieces(response))
        finally:
            response.close()

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def _send(self, ask: Ask, limits: HttpLimits) -> httpx.Response:
        terms = Terms.starting_now(limits)
        for left in range(limits.redirects, -1, -1):
            request = _request(ask, terms)
            with _plain_errors(request.url):
                response = self._client.send(request, stream=True)
            if not _is_followed(response, limits):
                break
            response.close()
            ask = _following(ask, response, left=left)
        return response


def gated_async_client(policy: EgressPolicy, **options: Unpack[ClientOptions]) -> httpx.AsyncClient:
    """Return a client for libraries that want one: same gate, same limits; its errors are httpx's and ours."""
    limits = options.get("limits", DEFAULT_LIMITS)
    transport = _async_gate(policy, options)
    return httpx.AsyncClient(
        transport=transport, trust_env=False, timeout=_timeout(limits), cookies=_no_cookies(), headers=_DEFAULT_HEADERS
    )


def gated_client(policy: EgressPolicy, **options: Unpack[ClientOptions]) -> httpx.Client:
    """Return a blocking client for libraries that want one; see gated_async_client."""
    backend = PinnedBackend(policy, resolver=options.get("resolver", resolve))
    limits = options.get("limits", DEFAULT_LIMITS)
    transport = _Gate(policy, limits=limits, backend=backend, tls=options.get("tls") or _tls())
    return httpx.Client(
        transport=transport, trust_env=False, timeout=_timeout(limits), cookies=_no_cookies(), headers=_DEFAULT_HEADERS
    )


def _async_gate(policy: EgressPolicy, options: ClientOptions) -> _AsyncGate:
    backend = AsyncPinnedBackend(policy, resolver=options.get("resolver", resolve))
    limits = options.get("limits", DEFAULT_LIMITS)
    return _AsyncGate(policy, limits=limits, backend=backend, tls=options.get("tls") or _tls())


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


def _no_cookies() -> CookieJar:
    # A cookie set for one caller must not be sent for the next one, who may be of another organization.
    return CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))


def _timeout(limits: HttpLimits) -> httpx.Timeout:
    return httpx.Timeout(limits.idle_seconds, connect=limits.connect_seconds, pool=limits.connect_seconds)


def _admit(request: httpx.Request, policy: EgressPolicy) -> None:
    origin = _origin(request.url)
    if request.url.userinfo:
        raise EgressRefused(host=origin.host, because="an address must not carry a name and password")
    if request.headers.get("Host", "").encode() != request.url.netloc:
        raise EgressRefused(host=origin.host, because="the Host header names another host")
    policy.check_target(origin.scheme, origin.host, port=origin.port)
    # What else could be unpacked depends on the libraries that happen to be installed.
    request.headers["Accept-Encoding"] = "gzip, deflate"


@asynccontextmanager
async def _within(deadline: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
            yield
    except TimeoutError:
        raise httpx.ReadTimeout(_TOO_LONG) from None


def _terms(request: httpx.Request, *, otherwise: HttpLimits) -> Terms:
    return cast(Terms | None, request.extensions.get(_TERMS)) or Terms.starting_now(otherwise)


def _unpacked(response: httpx.Response, body: _AsyncBody | _Body, *, is_packed: bool) -> httpx.Response:
    # Once unpacked, the headers that describe the bytes on the wire would mislead whoever reads them.
    kept = [header for header in response.headers.raw if not (is_packed and header[0].lower() in _WIRE_HEADERS)]
    return httpx.Response(response.status_code, headers=kept, stream=body, extensions=response.extensions)


def _request(ask: Ask, terms: Terms) -> httpx.Request:
    try:
        url = httpx.URL(ask.url)
        extensions = {_TERMS: terms, "timeout": _timeout(terms.limits).as_dict()}
        headers = httpx.Headers(_DEFAULT_HEADERS)
        headers.update(ask.headers)
        return httpx.Request(ask.method, url, headers=headers, content=ask.content, extensions=extensions)
    except httpx.InvalidURL:
        raise RequestInvalid(place="url", because="its address cannot be read") from None


def _is_followed(response: httpx.Response, limits: HttpLimits) -> bool:
    return limits.redirects > 0 and response.status_code in REDIRECTS and "Location" in response.headers


def _following(ask: Ask, response: httpx.Response, *, left: int) -> Ask:
    before = response.url
    if left == 0:
        raise EgressRefused(host=before.host, because="it redirected too often")
    with _plain_errors(before):
        after = before.join(response.headers["Location"]).copy_with(fragment=None)
    return follow(ask, status=response.status_code, before=_origin(before), after=_origin(after), url=str(after))


def origin_of(url: str) -> Origin:
    """Return who is asked at an address, its host as it is looked up. Raises RequestInvalid."""
    try:
        return _origin(httpx.URL(url))
    except httpx.InvalidURL:
        raise RequestInvalid(place="url", because="its address cannot be read") from None


def _origin(url: httpx.URL) -> Origin:
    port = url.port if url.port is not None else _PORTS.get(url.scheme, 0)
    return Origin(url.scheme, url.raw_host.decode("ascii"), port)


async def _pieces_on_loop(response: httpx.Response, url: httpx.URL) -> AsyncIterator[bytes]:
    # What comes through the gate is unpacked already: httpx's own reading would only look at it twice more.
    with _plain_errors(url):
        async for piece in cast(httpx.AsyncByteStream, response.stream):
            yield piece


def _pieces(response: httpx.Response) -> Iterator[bytes]:
    with _plain_errors(response.url):
        yield from response.iter_bytes()


@contextmanager
def _plain_errors(url: httpx.URL) -> Iterator[None]:
    try:
        yield
    except httpx.LocalProtocolError as error:
        raise RequestInvalid(place="request", because=str(error)) from None
    except httpx.InvalidURL:
        # The request's own address was read before: this one stood in a Location header.
        raise EgressRefused(host=url.host, because="it redirected to an address that cannot be read") from None
    except httpx.TimeoutException as error:
        # Who cannot even be connected to has not been given the question yet.
        is_late = not isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout)
        raise Unreachable(host=url.host, because="it did not answer in time", is_late=is_late) from None
    except httpx.HTTPError as error:
        raise Unreachable(host=url.host, because=str(error) or "it broke off") from None
