# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A server of the protocol with the tools, resources and prompts that its conformance suite asks for.

It stands behind the product's own door and middleware, in the place of the product's flows; the product never has it.
"""

import base64
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import PromptsListChanged, ToolsListChanged

from agents.mcp_server.sending import Context
from agents.mcp_server.server import manager_of
from tests.integration.asking import ASKING, prompt_with_question

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
# One sample of silence, 8000 a second, eight bits.
_FORMAT = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8)
_WAVE = b"WAVE" + _FORMAT + struct.pack("<4sIB", b"data", 1, 128) + b"\0"
SILENCE = base64.b64encode(struct.pack("<4sI", b"RIFF", len(_WAVE)) + _WAVE).decode()
NOTHING: dict[str, Any] = {"type": "object", "properties": {}}
DIALECT = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
_BUS = InMemorySubscriptionBus()

Tool = Callable[[Context, types.CallToolRequestParams], Awaitable[Any]]


def rehearsal_manager() -> StreamableHTTPSessionManager:
    """Return what speaks the protocol in the place of the product."""
    return manager_of(_server())


def text(said: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=said)])


def _embedded(uri: str, said: str, mime_type: str = "text/plain") -> types.EmbeddedResource:
    return types.EmbeddedResource(resource=types.TextResourceContents(uri=uri, mime_type=mime_type, text=said))


def _saying(*content: Any, **more: Any) -> Tool:
    async def say(_ctx: Context, _params: Any) -> types.CallToolResult:
        return types.CallToolResult(content=list(content), **more)

    return say


async def _logging(ctx: Context, _params: Any) -> types.CallToolResult:
    for said in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.session.send_log_message("info", said, related_request_id=ctx.request_id)
    return text("Logged.")


async def _progress(ctx: Context, _params: Any) -> types.CallToolResult:
    for done in (0.0, 50.0, 100.0):
        await ctx.session.report_progress(done, 100.0, f"{done} of 100")
    return text("Done.")


async def _sampling(ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
    asked = types.SamplingMessage(role="user", content=types.TextContent(text=str((params.arguments or {})["prompt"])))
    answer = await ctx.session.create_message([asked], max_tokens=100, related_request_id=ctx.request_id)
    return text(f"LLM response: {getattr(answer.content, 'text', '')}")


def _eliciting(said: str, properties: dict[str, Any], *, required: list[str] | None = None) -> Tool:
    schema = {"type": "object", "properties": properties, **({"required": required} if required else {})}

    async def elicit(ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        message = str((params.arguments or {}).get("message", said))
        answer = await ctx.session.elicit_form(message, schema, ctx.request_id)
        return text(f"Elicitation completed: action={answer.action}, content={answer.content}")

    return elicit


async def _needs_sampling(ctx: Context, _params: Any) -> types.CallToolResult:
    capabilities = ctx.session.client_capabilities
    if capabilities is None or capabilities.sampling is None:
        data = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(types.MISSING_REQUIRED_CLIENT_CAPABILITY, "This needs sampling.", data)
    return text("You can sample.")


def _publishing(event: Any) -> Tool:
    async def publish(_ctx: Context, _params: Any) -> types.CallToolResult:
        await _BUS.publish(event)
        return text("Told.")

    return publish


def _choice(*values: str) -> list[dict[str, str]]:
    return [{"const": value, "title": value.title()} for value in values]


_USER = {"username": {"type": "string"}, "email": {"type": "string"}}
_DEFAULTS = {
    "name": {"type": "string", "default": "John Doe"},
    "age": {"type": "integer", "default": 30},
    "score": {"type": "number", "default": 95.5},
    "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
    "verified": {"type": "boolean", "default": True},
}
_ENUMS = {
    "untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
    "titledSingle": {"type": "string", "oneOf": _choice("value1", "value2", "value3")},
    "legacyEnum": {"type": "string", "enum": ["opt1", "opt2"], "enumNames": ["Option One", "Option Two"]},
    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": ["option1", "option2", "option3"]}},
    "titledMulti": {"type": "array", "items": {"anyOf": _choice("value1", "value2", "value3")}},
}
_HELLO = types.TextContent(text="This is a simple text response for testing.")
_PICTURE = types.ImageContent(data=PIXEL, mime_type="image/png")
_SCHEMAS = {
    "test_sampling": {"type": "object", "properties": {"prompt": {"type": "string"}}, "required": ["prompt"]},
    "test_elicitation": {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]},
    "json_schema_2020_12_tool": DIALECT,
    "test_header_tool": {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}},
}
TOOLS: dict[str, Tool] = {
    "test_simple_text": _saying(_HELLO),
    "test_image_content": _saying(_PICTURE),
    "test_audio_content": _saying(types.AudioContent(data=SILENCE, mime_type="audio/wav")),
    "test_embedded_resource": _saying(_embedded("test://embedded-resource", "This is an embedded resource content.")),
    "test_multiple_content_types": _saying(
        types.TextContent(text="Multiple content types test:"),
        _PICTURE,
        _embedded("test://mixed-content-resource", '{"test":"data","value":123}', "application/json"),
    ),
    "test_error_handling": _saying(
        types.TextContent(text="This tool intentionally returns an error for testing"), is_error=True
    ),
    "test_tool_with_logging": _logging,
    "test_logging_tool": _logging,
    "test_tool_with_progress": _progress,
    "test_streaming_elicitation": _progress,
    "test_sampling": _sampling,
    "test_elicitation": _eliciting("?", _USER, required=["username", "email"]),
    "test_elicitation_sep1034_defaults": _eliciting("Please check", _DEFAULTS),
    "test_elicitation_sep1330_enums": _eliciting("Please choose", _ENUMS),
    "test_missing_capability": _needs_sampling,
    "test_trigger_tool_change": _publishing(ToolsListChanged()),
    "test_trigger_prompt_change": _publishing(PromptsListChanged()),
    "json_schema_2020_12_tool": _saying(_HELLO),
    "test_header_tool": _saying(_HELLO),
    **ASKING,
}


async def _list_tools(_ctx: Context, _params: Any) -> types.ListToolsResult:
    return types.ListToolsResult(
        tools=[types.Tool(name=name, description=name, input_schema=_SCHEMAS.get(name, NOTHING)) for name in TOOLS]
    )


async def _call_tool(ctx: Context, params: types.CallToolRequestParams) -> Any:
    if params.name not in TOOLS:
        raise MCPError(types.INVALID_PARAMS, f"No tool {params.name!r}.")
    return await TOOLS[params.name](ctx, params)


RESOURCES: dict[str, Any] = {
    "test://static-text": {"mime_type": "text/plain", "text": "This is the content of the static text resource."},
    "test://static-binary": {"mime_type": "image/png", "blob": PIXEL},
    "test://watched-resource": {"mime_type": "text/plain", "text": "Watched."},
}


async def _list_resources(_ctx: Context, _params: Any) -> types.ListResourcesResult:
    return types.ListResourcesResult(
        resources=[types.Resource(uri=uri, name=uri, mime_type=each["mime_type"]) for uri, each in RESOURCES.items()]
    )


async def _list_templates(_ctx: Context, _params: Any) -> types.ListResourceTemplatesResult:
    template = types.ResourceTemplate(name="template", uri_template="test://template/{id}/data")
    return types.ListResourceTemplatesResult(resource_templates=[template])


async def _read_resource(_ctx: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
    uri = str(params.uri)
    if uri.startswith("test://template/"):
        number = uri.removeprefix("test://template/").removesuffix("/data")
        said = f'{{"id":"{number}","templateTest":true,"data":"Data for ID: {number}"}}'
        found: Any = types.TextResourceContents(uri=uri, mime_type="application/json", text=said)
    elif uri in RESOURCES:
        kind = types.BlobResourceContents if "blob" in RESOURCES[uri] else types.TextResourceContents
        found = kind(uri=uri, **RESOURCES[uri])
    else:
        raise MCPError(types.INVALID_PARAMS, "Resource not found", {"uri": uri})
    return types.ReadResourceResult(contents=[found])


_TWO = [types.PromptArgument(name=name, required=True) for name in ("arg1", "arg2")]
PROMPTS: dict[str, list[types.PromptArgument]] = {
    "test_simple_prompt": [],
    "test_prompt_with_arguments": _TWO,
    "test_prompt_with_embedded_resource": [types.PromptArgument(name="resourceUri", required=True)],
    "test_prompt_with_image": [],
    "test_input_required_result_prompt": [],
}


async def _list_prompts(_ctx: Context, _params: Any) -> types.ListPromptsResult:
    return types.ListPromptsResult(
        prompts=[types.Prompt(name=name, description=name, arguments=needs) for name, needs in PROMPTS.items()]
    )


async def _get_prompt(_ctx: Context, params: types.GetPromptRequestParams) -> Any:
    given = params.arguments or {}
    said: dict[str, list[Any]] = {
        "test_simple_prompt": [types.TextContent(text="This is a simple prompt for testing.")],
        "test_prompt_with_arguments": [
            types.TextContent(text=f"Prompt with arguments: arg1='{given.get('arg1')}', arg2='{given.get('arg2')}'")
        ],
        "test_prompt_with_embedded_resource": [
            _embedded(given.get("resourceUri", ""), "Embedded resource content for testing."),
            types.TextContent(text="Please process the embedded resource above."),
        ],
        "test_prompt_with_image": [_PICTURE, types.TextContent(text="Please analyze the image above.")],
    }
    if params.name == "test_input_required_result_prompt":
        return prompt_with_question(params)
    if params.name not in said:
        raise MCPError(types.INVALID_PARAMS, f"No prompt {params.name!r}.")
    return types.GetPromptResult(
        messages=[types.PromptMessage(role="user", content=content) for content in said[params.name]]
    )


async def _complete(_ctx: Context, _params: Any) -> types.CompleteResult:
    return types.CompleteResult(completion=types.Completion(values=["paris", "park"], total=2, has_more=False))


async def _agree(_ctx: Context, _params: Any) -> types.EmptyResult:
    return types.EmptyResult()


def _server() -> Server[Any]:
    return Server(
        "rehearsal",
        version="1",
        on_list_tools=_list_tools,
        on_call_tool=_call_tool,
        on_list_resources=_list_resources,
        on_list_resource_templates=_list_templates,
        on_read_resource=_read_resource,
        on_subscribe_resource=_agree,
        on_unsubscribe_resource=_agree,
        on_subscriptions_listen=ListenHandler(_BUS),
        on_list_prompts=_list_prompts,
        on_get_prompt=_get_prompt,
        on_completion=_complete,
        on_set_logging_level=_agree,
    )
