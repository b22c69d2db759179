# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""OpenAPI documents read as tools: what they take, what cannot be called, and documents made to do harm."""

from typing import Any

import pytest

from agents.engine.openapi.reading import NoOpenApi, read_openapi
from codexos.kernel.schemas import mismatches, schema_trouble
from tests.agents.openapi_documents import PETS, document


def tools_of(said: Any, **more: Any) -> dict[str, Any]:
    return {tool.name: tool for tool in read_openapi(said, **more).tools}


def test_operations_become_tools_with_their_parameters_and_body() -> None:
    read = read_openapi(PETS, address="https://pets.example/v3/openapi.json")
    tools = {tool.name: tool for tool in read.tools}
    assert sorted(tools) == ["addPet", "findPets", "get_pets_id", "uploadPhoto"]
    assert (read.title, read.server, read.auth) == (
        "Pets",
        "https://pets.example/api",
        {"how": "api_key", "in": "header", "name": "X-Api-Key"},
    )
    find, add = tools["findPets"], tools["addPet"]
    assert (find.reads_only, add.reads_only) == (True, False)
    assert find.description.splitlines() == ["Find pets", "By their tags."]
    assert set(find.schema["properties"]) == {"tags", "limit", "X-Trace", "session"}
    assert add.schema["required"] == ["body"]
    assert add.schema["properties"]["body"]["required"] == ["name"]
    # What only the server says is nothing to be asked for.
    assert "id" not in add.schema["properties"]["body"]["properties"]
    for tool in (find, add, tools["get_pets_id"]):
        assert schema_trouble(tool.schema) is None
    assert "multipart/form-data" in tools["uploadPhoto"].trouble


def test_the_ways_of_3_0_are_said_as_json_schema() -> None:
    said = {"type": "integer", "nullable": True, "minimum": 0, "exclusiveMinimum": True, "example": 3, "enum": [1, 2]}
    tool = tools_of(document(get={"parameters": [{"name": "n", "in": "query", "schema": said}]}))["get_things"]
    shape = tool.schema["properties"]["n"]
    assert shape == {"type": ["integer", "null"], "exclusiveMinimum": 0, "enum": [1, 2, None]}
    assert mismatches({"n": None}, tool.schema) == []
    assert mismatches({"n": 7}, tool.schema)


def test_what_holds_itself_is_taken_over_once() -> None:
    tree = {"type": "object", "properties": {"left": {"$ref": "#/x/tree"}, "right": {"$ref": "#/x/tree"}}}
    body = {"content": {"application/json": {"schema": {"$ref": "#/x/tree"}}}}
    tool = tools_of({**document(post={"requestBody": body}), "x": {"tree": tree}})["post_things"]
    assert tool.trouble == ""
    assert tool.schema["properties"]["body"]["properties"] == {"left": {}, "right": {}}


def bomb(width: int, depth: int) -> dict[str, Any]:
    """A document of a page that would mean ``width ** depth`` values."""
    schemas: dict[str, Any] = {
        f"s{level}": {
            "type": "object",
            "properties": {f"p{n}": {"$ref": f"#/components/schemas/s{level + 1}"} for n in range(width)},
        }
        for level in range(depth)
    }
    schemas[f"s{depth}"] = {"type": "string"}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/s0"}}}}
    return {**document(post={"requestBody": body}), "components": {"schemas": schemas}}


@pytest.mark.parametrize(("width", "depth"), [(10, 9), (2, 9), (400, 2)])
def test_a_schema_bomb_is_one_broken_tool(width: int, depth: int) -> None:
    # One that was not bounded would not come to an end.
    assert "larger than" in tools_of(bomb(width, depth))["post_things"].trouble


@pytest.mark.parametrize(
    ("parameter", "said"),
    [
        ({"$ref": "https://evil.example/schemas.json#/x"}, "leads out of the document"),
        ({"$ref": "file:///etc/passwd"}, "leads out of the document"),
        ({"$ref": "#/nowhere"}, "leads nowhere"),
        ({"$ref": "#/paths/~1things/get/parameters/0"}, "in a circle"),
        ({"name": "id", "in": "path", "style": "matrix"}, "style 'matrix'"),
        ({"name": "a", "in": "query", "content": {"text/csv": {}}}, "sent as text/csv"),
        ({"in": "query"}, "no name"),
        ("text", "no object"),
    ],
)
def test_what_is_not_done_from_here_is_said_of_its_tool_alone(parameter: Any, said: str) -> None:
    tools = tools_of(document(get={"parameters": [parameter]}, put={}))
    assert said in tools["get_things"].trouble
    assert tools["put_things"].trouble == ""


@pytest.mark.parametrize(
    ("said", "because"),
    [
        ([], "no object"),
        ({"swagger": "2.0", "paths": {}}, "swagger 2.0"),
        ({"openapi": "4.0.0", "paths": {}}, "4.0.0"),
        ({"openapi": "3.0.0"}, "no 'paths'"),
        ({"openapi": "3.1.0", "paths": {f"/p{n}": {"get": {}} for n in range(501)}}, "more than 500"),
    ],
)
def test_what_is_no_document_of_tools_is_refused(said: Any, because: str) -> None:
    with pytest.raises(NoOpenApi, match=because):
        read_openapi(said)


def test_names_that_stand_in_two_places_are_two_arguments() -> None:
    parameters = [{"name": "id", "in": "query"}, {"name": "id", "in": "header"}, {"name": "body", "in": "query"}]
    body = {"content": {"text/plain": {}}}
    tool = tools_of(document(post={"parameters": parameters, "requestBody": body}))["post_things"]
    assert list(tool.schema["properties"]) == ["id", "id_header", "body", "request_body"]


def test_an_argument_may_be_called_as_a_keyword_is() -> None:
    parameters = [{"name": name, "in": "query"} for name in ("pattern", "$ref", "properties")]
    tool = tools_of(document(get={"parameters": parameters}))["get_things"]
    assert (tool.trouble, list(tool.schema["properties"])) == ("", ["pattern", "$ref", "properties"])


def test_a_path_that_wants_what_nobody_says_is_broken() -> None:
    assert "'id'" in tools_of(document("/things/{id}", get={}))["get_things_id"].trouble


def test_an_operation_that_is_none_is_listed_with_its_reason() -> None:
    document = {"openapi": "3.1.0", "paths": {"/birds": {"get": "nope", "post": {"operationId": "add"}, "put": None}}}
    found = {tool.call["method"]: tool for tool in read_openapi(document).tools}
    assert set(found) == {"GET", "POST"}
    assert "is no object" in found["GET"].trouble
    assert found["POST"].trouble == ""
