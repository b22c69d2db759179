# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Bounds the bodies of requests under ASGI, where Django takes a whole body in before any view is asked.

A body announced as too large is refused unread; one that only turns out to be is cut off at the limit. Only the
addresses of files take large ones, and only from those who bring a sign-in.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig

from codexos.kernel.context import request_id
from codexos.kernel.ids import new_id

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]

_FILES = re.compile(r"/files(/|$)")
_FORM_BYTES = 1024 * 1024
_SIGN_INS = (b"authorization", b"cookie")


class BodyLimit:
    """Stands before an ASGI application."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        left = limit_of(scope["path"], is_signed_in=any(name in headers for name in _SIGN_INS))
        announced = headers.get(b"content-length", b"")
        if announced.isdigit() and int(announced) > left:
            await _refuse(send)
            return

        is_whole = b"transfer-encoding" not in headers and announced in (b"", b"0")

        async def counted() -> Message:
            nonlocal left, is_whole
            message = await receive()
            left -= len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if left < 0:
                raise RequestDataTooBig
            return message

        async def closing(message: Message) -> None:
            # Nobody will read what is still on its way, so the line ends with the answer.
            if message["type"] == "http.response.start" and not is_whole:
                message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            await send(message)

        try:
            await self._app(scope, counted, closing)
        except RequestDataTooBig:
            await _refuse(send)


def limit_of(path: str, *, is_signed_in: bool) -> int:
    """Return how many bytes a request to ``path`` may carry; a form wraps a file in a little more."""
    if is_signed_in and _FILES.search(path):
        return settings.FILE_SIZE_LIMIT + _FORM_BYTES
    # One more than the parsers take, so that theirs is the clearer answer where both would refuse.
    return settings.DATA_UPLOAD_MAX_MEMORY_SIZE + _FORM_BYTES


async def _refuse(send: Send) -> None:
    # Not above: the ASGI entry imports this module before Django is set up.
    from accounts.rest.problems import answer_of, problem_of

    current = str(new_id())
    token = request_id.set(current)
    answer = answer_of(problem_of(RequestDataTooBig()))
    request_id.reset(token)
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.items()]
    # The rest of the body will not be read, so nothing more can be said on this line.
    headers += [(b"connection", b"close"), (b"x-request-id", current.encode())]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": answer.content})
