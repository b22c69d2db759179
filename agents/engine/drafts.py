# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Drafts: a flow document together with the text it was written as. A draft may be unfinished, but can be kept."""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum

import yaml

from agents.engine.asking_nodes import Change, with_changes
from agents.engine.errors import GraphInvalid
from agents.engine.json_text import to_json
from agents.engine.reading import read_document
from agents.engine.shape import check_shape
from agents.engine.yaml_patching import patch_yaml
from agents.engine.yaml_text import LOADER
from agents.engine.yaml_writing import to_yaml
from codexos.kernel.jsontypes import JsonObject


class DraftFormat(StrEnum):
    """How a draft is written."""

    JSON = "json"
    YAML = "yaml"


@dataclass(frozen=True, slots=True)
class Draft:
    """What a flow's author wrote, and what it says."""

    document: JsonObject
    source: str
    format: DraftFormat

    @property
    def hash(self) -> str:
        """Of everything the document says and draws, whatever its text looks like."""
        return hash_of(self.document)


def read_draft(source: str, *, format: DraftFormat | None = None) -> Draft:
    """Read a draft from its text; unsound ones too. Raises GraphInvalid where it is no document at all."""
    document = read_document(source, format=format.value if format else None)
    _insist_keepable(document)
    return Draft(document, source, format or _format_of(source))


def draft_of(document: JsonObject, *, format: DraftFormat = DraftFormat.JSON) -> Draft:
    """Write a document down as a draft. Raises GraphInvalid where it cannot be kept."""
    _insist_keepable(document)
    return Draft(document, write_document(document, format), format)


def change_draft(draft: Draft, changes: list[Change]) -> Draft:
    """Change settings of a draft; what else was written stays as it was, remarks too, as far as that can be."""
    document = with_changes(draft.document, changes)
    _insist_keepable(document)
    if draft.format == DraftFormat.YAML and (patched := patch_yaml(draft.source, changes)) is not None:
        try:
            if read_document(patched, format="yaml") == document:
                return Draft(document, patched, DraftFormat.YAML)
        except GraphInvalid:
            pass  # an odd way of writing: the whole is written anew
    return Draft(document, write_document(document, draft.format), DraftFormat(draft.format))


def convert_source(source: str, *, to: DraftFormat) -> str:
    """Write what a text says in the other format; its comments are lost. Raises GraphInvalid."""
    return draft_of(read_document(source), format=to).source


def write_document(document: JsonObject, format: str) -> str:
    """Write a document as text that people read."""
    return to_yaml(document) if format == DraftFormat.YAML else to_json(document)


def hash_of(document: JsonObject) -> str:
    """Hash everything a document says and draws; only the order of members in an object does not count."""
    written = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(written.encode()).hexdigest()


def has_comments(source: str) -> bool:
    """Whether a text holds remarks that another format would lose."""
    if _format_of(source) is DraftFormat.JSON:
        return False
    try:
        tokens = [(token.start_mark.index, token.end_mark.index) for token in yaml.scan(source, LOADER)]
    except yaml.YAMLError:
        return "#" in source
    # Between two tokens stands white space, or a remark.
    gaps = zip([0, *(end for _, end in tokens)], [*(start for start, _ in tokens), len(source)], strict=True)
    return any("#" in source[after:before] for after, before in gaps if after < before)


def _format_of(source: str) -> DraftFormat:
    try:
        json.loads(source.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return DraftFormat.YAML
    return DraftFormat.JSON


def _insist_keepable(document: JsonObject) -> None:
    """Raise GraphInvalid for what no database or program could hold; what merely cannot run is kept."""
    problems = check_shape(document)
    if problems:
        raise GraphInvalid(problems)
