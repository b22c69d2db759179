# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The batch APIs of OpenAI and Anthropic: many questions handed in at once, for half the price, answered in a day."""

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import quote

from codexos.kernel.http import EgressPolicy, HttpAnswer, HttpLimits, ResponseTooLarge, Unreachable
from codexos.kernel.jsontypes import JsonObject, JsonValue
from llm.adapters.clients import lent_client
from llm.adapters.refusals import refusal_from
from llm.errors import ModelAnswerInvalid, ModelUnreachable
from llm.queries.deployments import Deployment

LIMITS = HttpLimits(
    total_seconds=600.0, connect_seconds=10.0, idle_seconds=120.0, body_bytes=512 * 1024 * 1024, redirects=0
)
REFUSAL_BYTES = 64 * 1024
MOST_LISTED, MOST_LISTED_BY_ANTHROPIC = 100, 1000
KEPT_SECONDS = 7 * 24 * 3600
"""How long OpenAI keeps the files of a batch: longer than anybody waits, and not for ever."""
_EARLY_SECONDS, _LATE_SECONDS = 300, 900
"""How far from its ticket's time a batch may have been made: clocks differ, and handing in takes its time."""
_ENDED = frozenset({"completed", "expired", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one question: the status it was answered with, and the answer."""

    status: int
    body: JsonObject


def new_ticket(now: datetime) -> str:
    """Return a ticket that tells when it was made, to whoever looks for what was handed in under it."""
    return f"{int(now.timestamp()):08x}{secrets.token_hex(12)}"


Results = Mapping[str, Result]
"""By the names the questions were given; what is not among them was not answered."""


class Batches(Protocol):
    """The batches of one deployment."""

    async def hand_in(self, questions: Mapping[str, JsonObject], *, ticket: str) -> str:
        """Hand questions in under a ticket; return the name of the batch."""
        ...

    async def found(self, ticket: str, name: str) -> str | None:
        """Return the batch with a question that was handed in under a ticket, None where there is none.

        "" where that cannot be told yet: one that may be it is still worked on.
        """
        ...

    async def results(self, batch: str) -> Results | None:
        """Return what came of a batch; None while it is worked on."""
        ...


class _Asking:
    """Asks one provider, with its key, and only where it may."""

    def __init__(
        self, deployment: Deployment, *, policy: EgressPolicy, headers: Mapping[str, str] | None = None
    ) -> None:
        self._deployment = deployment
        self._policy = policy
        self._more = headers or {}

    async def _ask(
        self, method: str, path: str, *, content: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        sent = {**self._headers(), **(headers or {})}
        url, deployment = f"{self._deployment.base_url}{path}", self._deployment
        try:
            async with lent_client(self._policy) as client:
                if content is None:
                    answer = await client.request(method, url, headers=sent, limits=LIMITS)
                else:
                    answer = await client.request(method, url, headers=sent, content=content, limits=LIMITS)
        except (Unreachable, ResponseTooLarge) as error:
            message = f"{deployment.provider} could not be asked for a batch of model {deployment.model!r}: {error}"
            raise ModelUnreachable(message, model=deployment.model) from None
        if not answer.is_success:
            body = answer.body[:REFUSAL_BYTES]
            raise refusal_from(deployment, status=answer.status, headers=answer.headers, body=body)
        return answer

    def _headers(self) -> Mapping[str, str]:
        raise NotImplementedError

    def _read(self, answer: HttpAnswer) -> JsonObject:
        try:
            document = json.loads(answer.body)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise self._invalid("it sent no JSON object about a batch")
        return document

    def _name(self, document: JsonObject) -> str:
        name = document.get("id")
        if not isinstance(name, str) or not 0 < len(name) <= 200:
            raise self._invalid("it gave a batch no name")
        return name

    def _invalid(self, because: str) -> ModelAnswerInvalid:
        return ModelAnswerInvalid(model=self._deployment.model, provider=self._deployment.provider, because=because)


class OpenAIBatches(_Asking):
    """A file of questions, and a batch of that file."""

    def _headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._deployment.key}"}

    async def hand_in(self, questions: Mapping[str, JsonObject], *, ticket: str) -> str:
        """See Batches."""
        lines = [
            json.dumps({"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body})
            for name, body in questions.items()
        ]
        mark = f"codexos-{secrets.token_hex(16)}"
        content = _form("\n".join(lines).encode(), mark=mark)
        typed = {"Content-Type": f"multipart/form-data; boundary={mark}"}
        file = self._name(self._read(await self._ask("POST", "/files", content=content, headers=typed)))
        body = {
            "input_file_id": file,
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
            "metadata": {"ticket": ticket},
            "output_expires_after": {"anchor": "created_at", "seconds": KEPT_SECONDS},
        }
        typed = {"Content-Type": "application/json"}
        answer = await self._ask("POST", "/batches", content=json.dumps(body).encode(), headers=typed)
        return self._name(self._read(answer))

    async def found(self, ticket: str, name: str) -> str | None:
        """See Batches: the ticket was written on it."""
        document = self._read(await self._ask("GET", f"/batches?limit={MOST_LISTED}"))
        listed = document.get("data")
        for batch in listed if isinstance(listed, list) else ():
            metadata = batch.get("metadata") if isinstance(batch, Mapping) else None
            if isinstance(batch, Mapping) and isinstance(metadata, Mapping) and metadata.get("ticket") == ticket:
                return self._name(batch)
        return None

    async def results(self, batch: str) -> Results | None:
        """See Batches."""
        document = self._read(await self._ask("GET", f"/batches/{quote(batch, safe='')}"))
        if document.get("status") not in _ENDED:
            return None
        found: dict[str, Result] = {}
        for named in ("output_file_id", "error_file_id"):
            if isinstance(file := document.get(named), str):
                answer = await self._ask("GET", f"/files/{quote(file, safe='')}/content")
                found |= dict(self._results_in(answer.body))
        return found

    def _results_in(self, content: bytes) -> Iterator[tuple[str, Result]]:
        for line in _lines(content):
            response = line.get("response")
            if isinstance(response, Mapping) and isinstance(body := response.get("body"), Mapping):
                status = response.get("status_code")
                yield str(line.get("custom_id")), Result(status if isinstance(status, int) else 500, body)


class AnthropicBatches(_Asking):
    """A batch of messages."""

    def _headers(self) -> Mapping[str, str]:
        return {**self._more, "x-api-key": self._deployment.key, "anthropic-version": "2023-06-01"}

    async def hand_in(self, questions: Mapping[str, JsonObject], *, ticket: str) -> str:
        """See Batches."""
        body = {"requests": [{"custom_id": name, "params": params} for name, params in questions.items()]}
        typed = {"Content-Type": "application/json"}
        path = "/v1/messages/batches"
        return self._name(self._read(await self._ask("POST", path, content=json.dumps(body).encode(), headers=typed)))

    async def found(self, ticket: str, name: str) -> str | None:
        """See Batches: nothing can be written on one, so those made about that time are read for the question."""
        document = self._read(await self._ask("GET", f"/v1/messages/batches?limit={MOST_LISTED_BY_ANTHROPIC}"))
        listed = document.get("data")
        is_sure = True
        for batch in listed if isinstance(listed, list) else ():
            if isinstance(batch, Mapping) and _is_about(batch.get("created_at"), ticket):
                results = await self.results(self._name(batch))
                if results is not None and name in results:
                    return self._name(batch)
                is_sure = is_sure and results is not None
        return None if is_sure else ""

    async def results(self, batch: str) -> Results | None:
        """See Batches."""
        path = f"/v1/messages/batches/{quote(batch, safe='')}"
        document = self._read(await self._ask("GET", path))
        if document.get("processing_status") != "ended":
            return None
        answer = await self._ask("GET", f"{path}/results")
        return dict(self._results_in(answer.body))

    def _results_in(self, content: bytes) -> Iterator[tuple[str, Result]]:
        for line in _lines(content):
            result = line.get("result")
            if not isinstance(result, Mapping):
                continue
            if result.get("type") == "succeeded" and isinstance(message := result.get("message"), Mapping):
                yield str(line.get("custom_id")), Result(200, message)
            elif result.get("type") in {"expired", "canceled"}:
                # It was in this batch, and nothing came of it: whoever looks for it need look no further.
                yield str(line.get("custom_id")), Result(500, {})
            elif result.get("type") == "errored" and isinstance(error := result.get("error"), Mapping):
                told = error.get("error", error)
                kind = told.get("type") if isinstance(told, Mapping) else ""
                yield str(line.get("custom_id")), Result(400 if kind == "invalid_request_error" else 500, error)


def _is_about(created_at: JsonValue, ticket: str) -> bool:
    """Whether a batch was made about when a ticket was."""
    try:
        late = datetime.fromisoformat(str(created_at)).timestamp() - int(ticket[:8], 16)
    except ValueError:
        return False
    return -_EARLY_SECONDS <= late <= _LATE_SECONDS


def _form(file: bytes, *, mark: str) -> bytes:
    """Write a form with what it is for, when it is to be forgotten, and the file."""
    fields = {
        "purpose": "batch",
        "expires_after[anchor]": "created_at",
        "expires_after[seconds]": str(KEPT_SECONDS),
    }
    head = "".join(
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    head += (
        f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="batch.jsonl"\r\n'
        "Content-Type: application/jsonl\r\n\r\n"
    )
    return head.encode() + file + f"\r\n--{mark}--\r\n".encode()


def _lines(content: bytes) -> Iterator[Mapping[str, JsonValue]]:
    for line in content.splitlines():
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(document, dict):
            yield document
