# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Knowledge on the command line: listed, configured, read anew and asked."""

import json
import time
from argparse import SUPPRESS, ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.actor import Actor
from codexos.kernel.errors import CodexosError
from rag.management.acting import acting
from rag.management.watching import declare_watch, watch
from rag.models import Ingestion, KnowledgeBase, SourceKind
from rag.operations.knowledge_bases import configure_knowledge_base
from rag.operations.retrieval import Asked, retrieve
from rag.operations.sources import sync_source
from rag.queries.knowledge_bases import access_knowledge_base, figures_of, list_knowledge_bases
from rag.queries.sources import SourceFilter, access_ingestion, list_sources

WRONG = 2
_COUNTS = ("found", "unchanged", "parsed", "chunked", "embedded", "indexed", "failed", "removed")
_LONGEST_LINE = 300


class Command(BaseCommand):
    """bin/manage rag bases | sources BASE | configure BASE FILE | sync BASE [--wait] | query TEXT | watch PATH"""

    help = """Look after knowledge bases.
bases: every one, with how much it holds.
sources BASE: where its documents come from.
configure BASE FILE: bring it to what a file of the product's own JSON says.
sync BASE [--wait]: read all its sources now.
query TEXT: ask, of all bases or of those named by --base.
watch PATH --base BASE: make a folder of this machine a source, and have it read whenever it changes."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the deeds."""
        parser.formatter_class = RawDescriptionHelpFormatter
        _declare_acting(parser, unsaid="")
        deeds = parser.add_subparsers(dest="deed", required=True, metavar="DEED")
        deeds.add_parser("bases").set_defaults(run=self._bases)
        for name, run in (("sources", self._sources), ("configure", self._configure), ("sync", self._sync)):
            words = deeds.add_parser(name)
            words.set_defaults(run=run)
            words.add_argument("base", metavar="BASE", help="its id or short name")
            if name == "configure":
                words.add_argument("file", metavar="FILE", type=Path, help="JSON")
            if name == "sync":
                words.add_argument("--wait", action="store_true", help="until every source is read")
        asking = deeds.add_parser("query")
        asking.set_defaults(run=self._query)
        asking.add_argument("text", metavar="TEXT")
        asking.add_argument("--base", action="append", default=[], metavar="BASE", help="its id or short name")
        asking.add_argument("--top-k", type=int, default=5)
        asking.add_argument("--explain", action="store_true", help="say how each passage was found")
        watching = deeds.add_parser("watch")
        watching.set_defaults(run=self._watch)
        declare_watch(watching)
        for words in deeds.choices.values():
            _declare_acting(words, unsaid=SUPPRESS)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do one deed. Raises CommandError where something is in the way."""
        actor = acting(organization=options["organization"], email=options["email"])
        try:
            options["run"](actor, options)
        except CodexosError as error:
            raise CommandError(error.message, returncode=WRONG) from None

    def _bases(self, actor: Actor, _options: dict[str, Any]) -> None:
        for base in _all_bases(actor):
            held = figures_of(actor, base)
            self.stdout.write(
                f"{base.slug:30} {base.project.slug:20} {held.documents} documents, {held.chunks} chunks, "
                f"{held.waiting} waiting, {held.failed} failed  {base.pk}"
            )

    def _sources(self, actor: Actor, options: dict[str, Any]) -> None:
        which = SourceFilter(base=options["base"])
        for source in list_sources(actor, which=which, limit=200).rows:
            read = f"{source.last_synced_at:%Y-%m-%d %H:%M}" if source.last_synced_at else "never read"
            reason = f": {source.reason}" if source.reason else ""
            self.stdout.write(f"{source.kind:8} {source.name:40} {source.state}{reason} ({read})  {source.pk}")

    def _configure(self, actor: Actor, options: dict[str, Any]) -> None:
        done = configure_knowledge_base(actor, options["base"], _read(options["file"]))
        made, kept = (", ".join(source.name for source in each) or "none" for each in (done.made, done.kept))
        self.stdout.write(f"{done.base.slug}: configured. New sources: {made}; there before: {kept}.")

    def _sync(self, actor: Actor, options: dict[str, Any]) -> None:
        base = access_knowledge_base(actor, options["base"])
        sources = list_sources(actor, which=SourceFilter(base=str(base.pk)), limit=200).rows
        begun = [sync_source(actor, each.pk) for each in sources if each.kind != SourceKind.UPLOAD]
        if not begun:
            self.stdout.write(f"{base.slug} has no source that could be read again.")
        for each in begun:
            self._tell(self._followed(actor, each) if options["wait"] else each)

    def _followed(self, actor: Actor, ingestion: Ingestion) -> Ingestion:
        while ingestion.is_open:
            time.sleep(1)
            ingestion = access_ingestion(actor, ingestion.pk)
        return ingestion

    def _watch(self, actor: Actor, options: dict[str, Any]) -> None:
        watch(actor, options, tell=self.stdout.write)

    def _tell(self, ingestion: Ingestion) -> None:
        counts = ", ".join(f"{getattr(ingestion, name)} {name}" for name in _COUNTS if getattr(ingestion, name))
        reason = f" ({ingestion.reason})" if ingestion.reason else ""
        self.stdout.write(f"{ingestion.pk} {ingestion.state}{reason}: {counts or 'nothing yet'}")

    def _query(self, actor: Actor, options: dict[str, Any]) -> None:
        asked = Asked(text=options["text"], top_k=options["top_k"], explain=options["explain"])
        came = retrieve(actor, asked, knowledge=options["base"])
        for number, passage in enumerate(came.found.passages, start=1):
            where = passage.citation
            lines = f":{where.lines[0]}-{where.lines[1]}" if where.lines else ""
            page = f", page {where.page}" if where.page else ""
            self.stdout.write(f"{number}. {passage.score:.3f}  {where.path}{lines}{page}")
            self.stdout.write(f"   {' '.join(passage.text.split())[:_LONGEST_LINE]}")
            if options["explain"]:
                legs = ", ".join(f"{name}: {leg.rank}. ({leg.score:.3f})" for name, leg in passage.legs.items())
                self.stdout.write(f"   {legs}")
        for note in came.found.notes:
            self.stdout.write(note)
        self.stdout.write(f"{len(came.found.passages)} passages in {came.took_ms:.0f} ms")


def _declare_acting(words: ArgumentParser, *, unsaid: str) -> None:
    # Before the deed and after it: SUPPRESS keeps a deed that says nothing from undoing what stood before it.
    words.add_argument("--organization", metavar="ORG", default=unsaid, help="its short name, where there are several")
    words.add_argument("--as", dest="email", metavar="EMAIL", default=unsaid, help="who acts; else its first admin")


def _all_bases(actor: Actor) -> Sequence[KnowledgeBase]:
    rows: list[KnowledgeBase] = []
    cursor: str | None = None
    while True:
        page = list_knowledge_bases(actor, cursor=cursor, limit=200)
        rows += page.rows
        cursor = page.next_cursor
        if cursor is None:
            return rows


def _read(file: Path) -> dict[str, Any]:
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CommandError(f"{file} cannot be read as JSON: {error}", returncode=WRONG) from None
    if not isinstance(said, dict):
        raise CommandError(f'{file} is to hold an object, such as {{"sources": []}}.', returncode=WRONG)
    return said
