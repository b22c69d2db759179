# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Asking GitHub: its headers, its pages, its limits, and its refusals in words."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from agents.errors import ToolFailed, ToolUnavailable
from codexos.kernel import clock
from codexos.kernel.asking import AskOptions
from codexos.kernel.http import EgressPolicy, HttpAnswer, HttpClient, HttpLimits
from codexos.kernel.jsontypes import JsonObject, JsonValue

ACCEPT = "application/vnd.github+json"
API_VERSION = "2022-11-28"
PAGE = 100
_LIMITS = HttpLimits(total_seconds=60, idle_seconds=30, body_bytes=20_000_000)
_NEXT = re.compile(r'<([^<>]+)>\s*;[^,]*\brel="?next"?')
_MOST_SAID = 5


@dataclass(frozen=True, slots=True)
class Answered:
    """What GitHub answered, read."""

    said: JsonValue
    following: str | None


@dataclass(frozen=True, slots=True)
class GitHubClient:
    """Asks one API at an address, with a token or as nobody."""

    address: str
    egress: EgressPolicy
    token: str | None

    async def ask(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: JsonObject | None = None
    ) -> Answered:
        """Return what is answered. Raises ToolFailed, ToolUnavailable and what the gate raises."""
        options = AskOptions(headers=self._headers, limits=_LIMITS)
        if params:
            options["params"] = params
        if body is not None:
            options["json"] = body
        async with HttpClient(self.egress) as client:
            answer = await client.request(method, self._url(path), **options)
        refuse(answer, method=method, path=urlsplit(path).path, is_known=self.token is not None)
        return Answered(_read(answer), self._following(answer))

    async def find(self, path: str, *, params: Mapping[str, str] | None = None) -> JsonValue:
        """Return what stands at a path; None where nothing does."""
        try:
            return (await self.ask("GET", path, params=params)).said
        except ToolFailed as error:
            if error.details.get("status") == 404:
                return None
            raise

    @property
    def _headers(self) -> Mapping[str, str]:
        headers = {"Accept": ACCEPT, "X-GitHub-Api-Version": API_VERSION, "User-Agent": "CodexOS"}
        return headers if self.token is None else {**headers, "Authorization": f"Bearer {self.token}"}

    def _url(self, path: str) -> str:
        return path if path.startswith(f"{self.address}/") else f"{self.address}{path}"

    def _following(self, answer: HttpAnswer) -> str | None:
        found = _NEXT.search(answer.headers.get("link", ""))
        # The token goes to the one address it is for, whatever an answer says.
        return found[1] if found and found[1].startswith(f"{self.address}/") else None


def refuse(answer: HttpAnswer, *, method: str, path: str, is_known: bool) -> None:
    """Do nothing where an answer tells of success. Raises ToolUnavailable, ToolFailed."""
    if answer.status < 400:
        return
    said = _reasons(answer)
    if (seconds := _told_to_wait(answer, said)) is not None:
        raise ToolUnavailable(
            f"GitHub allows no more requests for now ({said}). Wait {seconds} seconds.",
            status=answer.status,
            retry_after_seconds=seconds,
        )
    if answer.status >= 500:
        raise ToolUnavailable(
            f"GitHub answered {method} {path} with {answer.status}. Try again later.", status=answer.status
        )
    raise ToolFailed(
        f"GitHub refused {method} {path}: {said}. {_advice(answer.status, is_known)}", status=answer.status
    )


def _reasons(answer: HttpAnswer) -> str:
    told = _parsed(answer)
    if not isinstance(told, Mapping):
        return f"status {answer.status}"
    errors = told.get("errors")
    more = [_reason(each) for each in errors[:_MOST_SAID]] if isinstance(errors, list) else []
    return "; ".join([str(told.get("message") or f"status {answer.status}").rstrip("."), *more])[:1000]


def _reason(error: JsonValue) -> str:
    if not isinstance(error, Mapping):
        return str(error)
    where = ".".join(str(error[name]) for name in ("resource", "field") if error.get(name))
    return str(error.get("message") or f"{where} is {str(error.get('code', 'wrong')).replace('_', ' ')}")


def _told_to_wait(answer: HttpAnswer, said: str) -> int | None:
    """Return for how long GitHub tells to wait; None where its refusal is about something else."""
    if answer.status not in {403, 429}:
        return None
    after, headers = answer.headers.get("retry-after", ""), answer.headers
    if after.isdecimal():
        return min(int(after), 3600)
    if headers.get("x-ratelimit-remaining") == "0" and headers.get("x-ratelimit-reset", "").isdecimal():
        return max(1, min(int(headers["x-ratelimit-reset"]) - int(clock.now().timestamp()), 3600))
    return 60 if answer.status == 429 or "rate limit" in said.lower() else None


def _advice(status: int, is_known: bool) -> str:
    if status in {401, 403, 404} and not is_known:
        return "Nobody was signed in: put a token into the vault under the key github."
    match status:
        case 401:
            return "The token in the vault is not valid (any more): put another one."
        case 403:
            return "The token may not do that: give it the permission, or use another one."
        case 404:
            return "Check the names; what the token may not see looks like this too."
        case 409 | 422:
            return "Correct what was asked for."
        case _:
            return "Look there before you try again."


def _read(answer: HttpAnswer) -> JsonValue:
    if not answer.body:
        return {}
    if "json" not in answer.headers.get("content-type", ""):
        raise ToolFailed("Something answered that is not GitHub's API. Check CODEXOS_GITHUB_URL.", status=answer.status)
    read = _parsed(answer)
    if read is None:
        raise ToolUnavailable("GitHub's answer broke off. Try again.", status=answer.status)
    return read


def _parsed(answer: HttpAnswer) -> JsonValue:
    try:
        read: JsonValue = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    return read
