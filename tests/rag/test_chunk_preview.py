# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How a document would be cut, shown before anything is kept."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.tenancy import tenant
from rag.models import Chunk
from rag.operations.knowledge_bases import BaseEdit, create_knowledge_base
from rag.operations.uploads import Sent, upload_documents
from tests.factories import World

Api = Callable[..., Any]
URL = "/api/v1/knowledge-bases/birds/preview/"
TEXT = "# Birds\n\n## Kea\n\nThe kea lives in the mountains.\n\n## Kakapo\n\nThe kakapo cannot fly.\n"


@pytest.fixture(autouse=True)
def document(world: World) -> str:
    """A document of a knowledge base."""
    base = create_knowledge_base(world.dev.actor, world.project.id, BaseEdit(name="Birds")).base
    upload = upload_documents(world.dev.actor, base.pk, [Sent("birds.md", [TEXT.encode()])])
    assert upload.files[0].document is not None
    return str(upload.files[0].document.pk)


def test_a_document_is_cut_as_it_is_asked(world: World, api: Api, document: str) -> None:
    shown = api(world.viewer).post(URL, {"document_id": document}, format="json")
    assert shown.status_code == 200, shown.json()
    said = shown.json()
    assert (said["strategy"], said["is_whole"], said["count"]) == ("markdown", True, len(said["chunks"]))
    kea = next(chunk for chunk in said["chunks"] if "mountains" in chunk["text"])
    assert "Kea" in kea["context"] + kea["text"]
    assert kea["place"]["lines"][0] >= 1
    one = api(world.viewer).post(URL, {"text": TEXT, "chunking": {"strategy": "sliding"}}, format="json").json()
    assert (one["count"], one["strategy"], one["chunking"]["window"]) == (1, "sliding", 300)
    with tenant(world.acme.id):
        assert not Chunk.objects.for_organization(world.acme.id).exists()


def test_what_cannot_be_shown_says_why(world: World, api: Api, document: str) -> None:
    for said, status, place in (
        ({}, 422, "document_id"),
        ({"document_id": document, "text": TEXT}, 422, "document_id"),
        ({"text": TEXT, "chunking": {"windw": 3}}, 422, "chunking.windw"),
    ):
        answer = api(world.viewer).post(URL, said, format="json")
        assert answer.status_code == status, (said, answer.json())
        assert answer.json()["errors"][0]["place"] == place
    assert api(world.stranger).post(URL, {"text": TEXT}, format="json").status_code == 404
