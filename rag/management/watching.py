# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""bin/manage rag watch: a folder of this machine becomes a source, and is read whenever it changes."""

import threading
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from accounts.actor import Actor
from rag.operations.watching import WatchedFolder, follow_folder, list_changes, watch_folder


def declare_watch(words: ArgumentParser) -> None:
    """Declare what watching is told."""
    words.add_argument("path", metavar="PATH")
    words.add_argument("--base", metavar="BASE", required=True, help="its id or short name")
    words.add_argument("--include", action="append", default=[], metavar="PATTERN", help="as .gitignore has them")
    words.add_argument("--exclude", action="append", default=[], metavar="PATTERN")
    words.add_argument("--polling", action="store_true", help="for file systems that tell nobody of changes")
    words.add_argument("--once", action="store_true", help="connect and read it, and watch nothing")


def watch(actor: Actor, options: dict[str, Any], *, tell: Callable[[str], object]) -> None:
    """Watch a folder until somebody stops it. Raises CommandError, and what making a source raises."""
    folder = Path(options["path"]).expanduser().resolve()
    if not folder.is_dir():
        raise CommandError(f"There is no folder {str(folder)!r}.")
    source = watch_folder(actor, options["base"], WatchedFolder(folder, options["include"], options["exclude"]))
    tell(f"{folder} is the source {source.name!r} ({source.pk}).")
    if options["once"]:
        return
    changes = list_changes(folder, stop=threading.Event(), by_asking=options["polling"])
    try:
        for begun in follow_folder(actor, source.pk, changes):
            tell(f"being read ({begun.pk})")
    except KeyboardInterrupt:
        tell("No longer watched. What was read stays.")
