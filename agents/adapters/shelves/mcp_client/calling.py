# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Asking a server: for what it offers, and to do one of its tools as people accepted it."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import mcp_types as types
from pydantic import TypeAdapter

from agents.adapters.shelves.kinds import ReadServer, ServerPlace
from agents.adapters.shelves.mcp_client.opening import Session, opened
from agents.adapters.shelves.mcp_client.results import listed, prompt_of, resource_of, result_of
from agents.adapters.shelves.mcp_client.sessions import session_of
from agents.adapters.shelves.news import note_offered
from agents.adapters.tools.room import ToolRoom
from agents.engine.gate import Occasion
from agents.engine.offered import OfferedTool
from agents.errors import ToolFailed, ToolNotReady
from codexos.kernel.errors import CodexosError
from codexos.kernel.jsontypes import JsonObject, JsonValue

READ_SECONDS = 45.0
CALL_SECONDS = 115.0
"""Less than a step waits, so that the server's name is told rather than the step's."""
MOST_LISTED = 200
_MOST_PROGRESS = 500
_Answers: TypeAdapter[Any] = TypeAdapter(types.InputRequiredResult | types.CallToolResult)


async def read_server(place: ServerPlace, room: ToolRoom) -> ReadServer:
    """List what a server offers. Raises what opening does."""
    async with asyncio.timeout(READ_SECONDS), opened(place, room) as session:
        info = session.client.server_info
        title = (info.title or info.name) if info else ""
        return ReadServer(list(session.offered.values()), description=title[:200])


async def call_server(
    place: ServerPlace, offered: OfferedTool, room: ToolRoom, *, arguments: JsonObject, on: Occasion
) -> JsonValue:
    """Call a tool. Raises ToolNotReady where the server says otherwise of it than it did when people accepted it."""
    async with session_of(place, room) as session:
        await _insist_unchanged(place, offered, room, session=session)
        try:
            said = await _ask(place, offered, session, arguments=arguments, on=on)
            # In a thread, as it may be long.
            return await asyncio.to_thread(session.trouble.redactor.redact_json, said)
        except CodexosError as error:
            session.trouble.without_key(error)
            raise
        except Exception as error:
            # Whatever broke here may have broken the session, so the next call has a new one.
            session.is_over = True
            raise session.trouble.said_of(error) from error


async def _insist_unchanged(place: ServerPlace, offered: OfferedTool, room: ToolRoom, *, session: Session) -> None:
    now = session.offered.get(offered.name)
    if now is not None and now.fingerprint == offered.fingerprint:
        return
    session.is_over = True
    await note_offered(place, list(session.offered.values()), room)
    told = "Its server offers it no more." if now is None else "Its server says something else of it than was accepted."
    raise ToolNotReady(tool=f"{place.name}.{offered.name}", because=f"{told} Look at the tool server, and accept it.")


async def _ask(
    place: ServerPlace, offered: OfferedTool, session: Session, *, arguments: JsonObject, on: Occasion
) -> JsonValue:
    match offered.call.get("method"):
        case "resource":
            return await _read_resource(session, arguments)
        case "prompt":
            return await _get_prompt(session, arguments)
    params = types.CallToolRequestParams(
        name=str(offered.call.get("name")), arguments=json.loads(json.dumps(arguments, default=dict))
    )
    answer = await session.client.session.send_request(
        types.CallToolRequest(params=params),
        _Answers,
        request_read_timeout_seconds=CALL_SECONDS,
        progress_callback=_teller(lambda text: on.emit(session.trouble.redactor.redact(text))),
    )
    name = f"{place.name}.{offered.name}"
    if isinstance(answer, types.InputRequiredResult):
        raise ToolFailed(f"{name!r} asks its caller something in between, which nobody answers here.")
    return await asyncio.to_thread(result_of, name, answer)


async def _read_resource(session: Session, arguments: JsonObject) -> JsonObject:
    if "uri" not in arguments:
        page = await session.client.session.list_resources()
        return listed(f"{each.uri} {each.title or each.name}" for each in page.resources[:MOST_LISTED])
    found = await session.client.session.read_resource(str(arguments["uri"]))
    return resource_of(found.contents)


async def _get_prompt(session: Session, arguments: JsonObject) -> JsonObject:
    if "name" not in arguments:
        page = await session.client.session.list_prompts()
        return listed(f"{each.name}: {each.description or ''}" for each in page.prompts[:MOST_LISTED])
    given = arguments.get("arguments")
    filled = {str(name): str(value) for name, value in given.items()} if isinstance(given, dict) else None
    return prompt_of(await session.client.session.get_prompt(str(arguments["name"]), filled))


def _teller(emit: Callable[[str], None]) -> Any:
    """Tell progress to who watches, as far as a server may go on about it."""
    left = _MOST_PROGRESS

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            of = f" of {total:g}" if total else ""
            emit(f"{progress:g}{of}{f': {message[:300]}' if message else ''}\n")

    return tell
