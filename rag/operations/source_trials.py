# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Trying a source before it is connected, or since it failed: whether it opens, and what is there or in the way."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from accounts.actor import Actor
from accounts.models import Project
from accounts.operations.audit import record_event
from accounts.roles import Permission
from accounts.tenancy import in_organization
from codexos.kernel.errors import Broken, CodexosError
from codexos.kernel.ids import new_id
from rag.adapters.sources.chosen import open_place
from rag.adapters.sources.git import GitReader
from rag.engine.ports import Revision, SourcePlace, SourceReader
from rag.engine.source_configs import check_source_config
from rag.engine.source_specs import SourceSpec, read_source
from rag.errors.knowledge import KnowledgeBaseInvalid
from rag.models import KnowledgeBase, SourceKind
from rag.queries.knowledge_bases import access_knowledge_base
from rag.queries.sources import access_source
from vault.operations.values import use_secret

SHOWN = 20
COUNTED = 10_000
_TRIED = (SourceKind.GIT, SourceKind.GITHUB, SourceKind.WEB, SourceKind.SITEMAP)


@dataclass(frozen=True, slots=True)
class SourceTrial:
    """How it went: where the branch stands and which there are, or what is listed first; or the error's code and words.

    ``found`` counts what is listed, up to ``COUNTED``; None of repositories, of which nothing is fetched for a trial.
    """

    seconds: float = 0.0
    branch: str = ""
    commit: str = ""
    branches: Sequence[str] = ()
    found: int | None = None
    shown: Sequence[str] = field(default_factory=tuple)
    error_code: str = ""
    error: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether it opens."""
        return not self.error_code


def try_new_source(actor: Actor, base: UUID | str, said: Mapping[str, Any]) -> SourceTrial:
    """Try a source as it is said, without connecting it. What is in the way is in the trial.

    Raises KnowledgeBaseNotFound kinds, NotAllowed, KnowledgeBaseInvalid, SourceInvalid.
    """
    spec = read_source(said, place="")
    row = _base_for_trial(actor, base, spec)
    return _try(actor, spec, row.project)


def try_source(actor: Actor, source: UUID | str) -> SourceTrial:
    """Try a source that is connected, its key opened as whoever asks. Raises SourceNotFound, NotAllowed."""
    spec, project = _spec_of(actor, source)
    return _try(actor, spec, project)


@in_organization
def _base_for_trial(actor: Actor, base: UUID | str, spec: SourceSpec) -> KnowledgeBase:
    row = access_knowledge_base(actor, base, to=Permission.WRITE_FILES)
    if spec.kind not in _TRIED:
        raise KnowledgeBaseInvalid("type", f"A source of type {spec.kind[:40]!r} needs no trial.")
    check_source_config(spec.kind, spec.config)
    record_event(actor, "source.tried", about=row, type=spec.kind, config=dict(spec.config), secret=spec.secret)
    return row


@in_organization
def _spec_of(actor: Actor, source: UUID | str) -> tuple[SourceSpec, Project]:
    row = access_source(actor, source, to=Permission.WRITE_FILES)
    record_event(actor, "source.tried", about=row, type=row.kind, config=dict(row.config), secret=row.secret)
    return SourceSpec(row.kind, row.name, row.config, row.secret), row.base.project


def _try(actor: Actor, spec: SourceSpec, project: Project) -> SourceTrial:
    # Outside of any transaction: whoever is asked may take their time.
    began = time.monotonic()
    try:
        trial = _look(spec, _place(actor, spec, project))
    except Broken:
        raise
    except CodexosError as error:
        trial = SourceTrial(error_code=error.code, error=error.message)
    return replace(trial, seconds=round(time.monotonic() - began, 3))


def _place(actor: Actor, spec: SourceSpec, project: Project) -> SourcePlace:
    secret = ""
    if spec.secret:
        opened = use_secret(actor, spec.secret, project=project, by={"trial": spec.name})
        secret = opened.usable.decode("utf-8", "replace")
    nowhere = Path(tempfile.gettempdir()) / f"trial-{new_id()}"
    return SourcePlace(actor.organization_id, new_id(), spec.kind, nowhere, dict(spec.config), secret)


def _look(spec: SourceSpec, place: SourcePlace) -> SourceTrial:
    if spec.kind not in (*_TRIED, SourceKind.FOLDER):
        return SourceTrial()
    reader = open_place(place)
    try:
        if isinstance(reader, GitReader):
            return _of_repository(reader)
        return _of_list(reader, reads=spec.kind == SourceKind.WEB)
    finally:
        reader.close()


def _of_repository(reader: GitReader) -> SourceTrial:
    tip = reader.tip()
    return SourceTrial(branch=tip.branch, commit=tip.commit, branches=reader.branches()[:SHOWN])


def _of_list(reader: SourceReader, *, reads: bool) -> SourceTrial:
    paths = [entry.path for entry in islice(reader.look({}).entries, COUNTED)]
    if reads and paths:
        # A page is named before anybody has asked for it.
        reader.read(paths[0], revision=Revision(), mark="")
    return SourceTrial(found=len(paths), shown=paths[:SHOWN])
