# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Knowledge on the command line: listed, configured, synced and asked, as a person of an organization."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from rag.operations.knowledge_bases import BaseEdit, create_knowledge_base
from tests.factories import World


def rag(*words: str) -> str:
    told = StringIO()
    call_command("rag", "--organization", "acme", *words, stdout=told)
    return told.getvalue()


def test_an_operator_looks_after_knowledge_bases(world: World, tmp_path: Path) -> None:
    create_knowledge_base(world.dev.actor, world.project.id, BaseEdit(name="Birds"))
    assert "birds" in rag("bases")
    config = tmp_path / "birds.json"
    config.write_text(json.dumps({"sources": [{"type": "web", "url": "https://x.example/"}]}))
    assert "New sources: x.example" in rag("configure", "birds", str(config))
    assert "New sources: none" in rag("configure", "birds", str(config))
    assert "never read" in rag("sources", "birds")
    assert "queued" in rag("sync", "birds")
    assert "0 passages" in rag("query", "kea")


def test_what_is_in_the_way_is_said(world: World, tmp_path: Path) -> None:
    create_knowledge_base(world.dev.actor, world.project.id, BaseEdit(name="Birds"))
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"chunkng": {}}')
    for words, said in (
        (("sources", "brds"), "Did you mean 'birds'"),
        (("configure", "birds", str(wrong)), "Did you mean 'chunking'"),
        (("configure", "birds", str(tmp_path / "none")), "cannot be read"),
        (("--as", "mallory@other.example", "bases"), "no member"),
        (("--as", "viewer@acme.example", "configure", "birds", str(wrong)), "role viewer"),
    ):
        with pytest.raises(CommandError, match=said):
            rag(*words)
    with pytest.raises(CommandError, match="Say which by --organization: acme, other"):
        call_command("rag", "bases")


def test_where_and_as_whom_may_be_said_before_the_deed_or_after_it(world: World) -> None:
    create_knowledge_base(world.dev.actor, world.project.id, BaseEdit(name="Birds"))
    after = StringIO()
    call_command("rag", "bases", "--organization", "acme", "--as", "viewer@acme.example", stdout=after)
    assert "birds" in after.getvalue()
    assert "birds" in rag("--as", "viewer@acme.example", "bases")
    with pytest.raises(CommandError, match="no member"):
        call_command("rag", "--organization", "acme", "bases", "--as", "mallory@other.example")
