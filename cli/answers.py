# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What comes back from a server, or does not: read, or told as one sentence."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .exits import Exit, exit_of_status
from .faults import Fault

_PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Answer:
    """A success."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the JSON it holds; None for an empty answer. Raises Fault for anything else."""
        if self.status == 204 or not self.body:
            return None
        self.insist("application/json")
        try:
            return json.loads(self.body)
        except ValueError:
            raise _not_ours(self.url, self.status, "something that is not the JSON it promises") from None

    def insist(self, content_type: str) -> None:
        """Raise Fault where the answer is of another type: then it is not from CodexOS."""
        found = _type_of(self.headers)
        if found != content_type:
            raise _not_ours(self.url, self.status, found or "something without a type")

    def header(self, name: str) -> str:
        """Return a header, whatever case its name came in; empty where it is missing."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")


def fault_of(error: Exception, *, url: str) -> Fault | None:
    """Say what went wrong with a call; None for what is not the call's doing."""
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError

    if isinstance(error, HTTPError):
        return _fault_of_answer(error, url=url)
    if isinstance(error, URLError):
        reason = error.reason
        return _fault_of_line(reason, url=url) if isinstance(reason, Exception) else _unreachable(url, str(reason))
    if isinstance(error, HTTPException):
        return _fault_of_talk(error, url=url)
    if isinstance(error, OSError | UnicodeError):
        return _fault_of_line(error, url=url)
    return error if isinstance(error, Fault) else None


def _fault_of_answer(error: Any, *, url: str) -> Fault:
    status, headers = int(error.code), dict(error.headers.items())
    where = error.headers.get("Location")
    if 300 <= status < 400:
        return _unreachable(url, f"it redirects{f' to {where}' if where else ''}. Sign in with the address itself")
    if _type_of(headers) != _PROBLEM:
        return _not_ours(url, status, _type_of(headers) or "something without a type")
    try:
        body = error.read()
        problem = json.loads(body) if body else {}  # an answer to HEAD has none
        return _fault_of_problem(problem, status=status, retry_after=error.headers.get("Retry-After"))
    except (ValueError, AttributeError, OSError):
        return _not_ours(url, status, "a problem that cannot be read")


def _fault_of_problem(problem: Any, *, status: int, retry_after: str | None) -> Fault:
    message = str(problem.get("detail") or problem.get("title") or f"The server answered {status}.")
    if status >= 500:
        message = f"{message} (request {problem.get('request_id')})"
    errors = problem.get("errors") or ()
    places = [(str(one.get("place", "")), str(one.get("message", ""))) for one in errors if isinstance(one, dict)]
    return Fault(
        message,
        exit_code=exit_of_status(status),
        code=str(problem.get("code", "")),
        problems=places,
        retry_after=float(retry_after) if retry_after and retry_after.isdigit() else None,
    )


def _fault_of_talk(error: Exception, *, url: str) -> Fault:
    from http.client import BadStatusLine, IncompleteRead, InvalidURL, RemoteDisconnected

    if isinstance(error, RemoteDisconnected | IncompleteRead):
        return _unreachable(url, "the server hung up in the middle")
    if isinstance(error, InvalidURL):
        return Fault(f"{url!r} is no address.", exit_code=Exit.USAGE)
    if isinstance(error, BadStatusLine):
        return _unreachable(url, "what answers there does not speak HTTP. Check the port, and http or https")
    return _unreachable(url, f"its answer cannot be read ({type(error).__name__})")


def _fault_of_line(error: Exception, *, url: str) -> Fault:
    import socket
    import ssl

    if isinstance(error, ssl.SSLCertVerificationError):
        return _unreachable(
            url,
            f"its certificate is not trusted: {error.verify_message}. "
            "Where your own authority signed it, name that in SSL_CERT_FILE",
        )
    if isinstance(error, ssl.SSLError):
        return _unreachable(url, "it does not speak TLS as it should. Check the port, and http or https")
    if isinstance(error, socket.gaierror | UnicodeError):
        return _unreachable(url, "no host of that name is known. Check the address")
    if isinstance(error, ConnectionRefusedError):
        return _unreachable(url, "nothing listens there. Check the address and that the server runs")
    if isinstance(error, TimeoutError):
        return _unreachable(url, "it does not answer in time")
    detail = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return _unreachable(url, detail[:200])


def _unreachable(url: str, reason: str) -> Fault:
    return Fault(f"Cannot reach {url}{_through(url)}: {reason}.", exit_code=Exit.UNAVAILABLE)


def _through(url: str) -> str:
    """Name the proxy between, without whatever password its address holds."""
    from urllib.parse import urlsplit
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme)
    host = parts.hostname or ""
    if not proxy or host.startswith(("localhost", "127.", "::1")) or proxy_bypass(host):
        return ""
    return f" through the proxy {proxy.rpartition('@')[2].rpartition('//')[2].rstrip('/')}"


def _not_ours(url: str, status: int, found: str) -> Fault:
    return Fault(
        f"{url} answered {status} with {found}: this is not CodexOS's API, or a gateway stands before it. "
        "Check the address.",
        exit_code=Exit.UNAVAILABLE,
    )


def _type_of(headers: Mapping[str, str]) -> str:
    value = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    return value.partition(";")[0].strip().lower()
