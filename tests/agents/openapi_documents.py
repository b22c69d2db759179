# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""OpenAPI documents for tests."""

from typing import Any


def document(path: str = "/things", *, server: str = "https://api.example", **operations: Any) -> dict[str, Any]:
    """A document of one path."""
    return {"openapi": "3.0.3", "info": {"title": "T"}, "servers": [{"url": server}], "paths": {path: operations}}


PET = {
    "type": "object",
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "name": {"type": "string", "pattern": "^[a-z]+$"},
        "parent": {"$ref": "#/components/schemas/Pet"},
    },
    "required": ["id", "name"],
}

PETS: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Pets"},
    "servers": [{"url": "/{base}", "variables": {"base": {"default": "api"}}}],
    "paths": {
        "/pets": {
            "get": {
                "operationId": "findPets",
                "summary": "Find pets",
                "description": "By their tags.",
                "parameters": [
                    {"name": "tags", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                    {"name": "limit", "in": "query", "schema": {"type": "integer"}},
                    {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
                    {"name": "Authorization", "in": "header", "schema": {"type": "string"}},
                    {"name": "session", "in": "cookie", "schema": {"type": "string"}},
                ],
            },
            "post": {
                "operationId": "addPet",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/xml": {},
                        "application/json": {"schema": {"$ref": "#/components/schemas/Pet"}},
                    },
                },
            },
        },
        "/pets/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {"description": "One pet."},
        },
        "/pets/{id}/photo": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "put": {
                "operationId": "uploadPhoto",
                "requestBody": {"required": True, "content": {"multipart/form-data": {}}},
            },
        },
    },
    "components": {
        "schemas": {"Pet": PET},
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"}},
    },
}
