# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A server of the Model Context Protocol on this machine: made with the official library, changed while it runs."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import mcp_types as types
import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings

Wrapped = Callable[[Any], Any]


class FakeMcp:
    """What it offers, what it was asked, and what it asks for: a bearer token, where ``token`` is one."""

    def __init__(self) -> None:
        self.description = "Adds two numbers."
        self.token = ""
        self.challenge = "Bearer"
        self.port = 0
        self.calls: list[tuple[str, Any]] = []
        self.seen: list[dict[str, str]] = []
        self.cancelled = threading.Event()
        self.hangs = threading.Event()
        self.extra: list[types.Tool] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    def server(self) -> Server[Any]:
        return Server(
            "fake",
            version="1",
            title="A fake",
            on_list_tools=self._list,
            on_call_tool=self._call,
            on_list_resources=self._resources,
            on_read_resource=self._read,
            on_list_prompts=self._prompts,
            on_get_prompt=self._prompt,
        )

    async def _list(self, _ctx: Any, _params: Any) -> types.ListToolsResult:
        number = {"type": "number"}
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {"a": number, "b": {"$ref": "#/$defs/number"}},
            "required": ["a", "b"],
            "$defs": {"number": number},
        }
        plain = {"type": "object", "properties": {}}
        tools = [
            types.Tool(
                name="add",
                description=self.description,
                input_schema=schema,
                annotations=types.ToolAnnotations(read_only_hint=True),
            ),
            *(types.Tool(name=name, description=name, input_schema=plain) for name in ("fail", "hang", "count", "ask")),
            *self.extra,
        ]
        return types.ListToolsResult(tools=tools)

    async def _call(self, ctx: Any, params: types.CallToolRequestParams) -> Any:
        self.calls.append((params.name, params.arguments))
        match params.name:
            case "add":
                total = (params.arguments or {})["a"] + (params.arguments or {})["b"]
                told = types.TextContent(text=f"The sum is {total}.")
                return types.CallToolResult(content=[told], structured_content={"sum": total})
            case "hang":
                self.hangs.set()
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    self.cancelled.set()
                    raise
            case "count":
                for number in (1.0, 2.0):
                    await ctx.session.report_progress(number, 2.0, f"step {number:g}")
                return types.CallToolResult(content=[types.TextContent(text="counted")])
            case "leak":
                # Says back what it was let in with.
                await ctx.session.report_progress(1.0, 1.0, self.token)
                told = types.TextContent(text=f"Yours is {self.token}.")
                fails = bool((params.arguments or {}).get("fails"))
                return types.CallToolResult(content=[told], structured_content={"key": self.token}, is_error=fails)
            case "ask":
                asked = {"type": "object", "properties": {}}
                await ctx.session.elicit_form("Really?", asked, ctx.request_id)
        return types.CallToolResult(content=[types.TextContent(text="It broke on purpose.")], is_error=True)

    async def _resources(self, _ctx: Any, _params: Any) -> types.ListResourcesResult:
        return types.ListResourcesResult(resources=[types.Resource(uri="fake://notes", name="notes")])

    async def _read(self, _ctx: Any, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        return types.ReadResourceResult(contents=[types.TextResourceContents(uri=params.uri, text="Noted.")])

    async def _prompts(self, _ctx: Any, _params: Any) -> types.ListPromptsResult:
        return types.ListPromptsResult(prompts=[types.Prompt(name="greet", description="Greets somebody.")])

    async def _prompt(self, _ctx: Any, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        said = types.TextContent(text=f"Hello, {(params.arguments or {}).get('who')}.")
        return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=said)])


@contextmanager
def serve_mcp(*, around: Wrapped = lambda app: app) -> Iterator[FakeMcp]:
    """Serve one in a thread of its own."""
    fake = FakeMcp()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        fake.port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(around(_app(fake)), lifespan="on", log_config=None))
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        started = threading.Event()
        thread = threading.Thread(target=_run, args=(server, listener, started), daemon=True)
        thread.start()
        assert started.wait(10)
        try:
            yield fake
        finally:
            server.should_exit = server.force_exit = True
            thread.join(10)


def _run(server: uvicorn.Server, listener: socket.socket, started: threading.Event) -> None:
    async def run() -> None:
        serving = asyncio.create_task(server.serve([listener]))
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        started.set()
        await serving

    asyncio.run(run())


def _app(fake: FakeMcp) -> Any:
    manager = StreamableHTTPSessionManager(
        fake.server(), security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False)
    )

    @asynccontextmanager
    async def living() -> AsyncIterator[None]:
        async with manager.run():
            yield

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            async with living():
                await send({"type": "lifespan.startup.complete"})
                await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        fake.seen.append(headers)
        if fake.token and headers.get("authorization") != f"Bearer {fake.token}":
            await answer(send, 401, {"error": "no token"}, **{"www-authenticate": fake.challenge})
            return
        await manager.handle_request(scope, receive, send)

    return app


async def answer(send: Any, status: int, body: Any, **headers: str) -> None:
    content = json.dumps(body).encode()
    named = {"content-type": "application/json", **headers}
    pairs = [(name.encode(), value.encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": content})
