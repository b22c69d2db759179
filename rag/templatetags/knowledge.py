# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How the states and kinds of knowledge read."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.utils.translation import gettext_lazy as _

from rag.engine.passages import Citation, Place
from rag.forms.sources import KINDS
from rag.models import Chunk, DocumentState, SourceKind, SourceState

register = template.Library()

_KINDS = dict(KINDS)
_DOCUMENT = {
    DocumentState.WAITING: (_("Waiting"), "queued"),
    DocumentState.PARSING: (_("Being read"), "running"),
    DocumentState.CHUNKING: (_("Being cut"), "running"),
    DocumentState.EMBEDDING: (_("Being embedded"), "running"),
    DocumentState.READY: (_("Ready"), "ok"),
    DocumentState.FAILED: (_("Failed"), "failed"),
    DocumentState.REMOVED: (_("Removed"), "skipped"),
}
_SOURCE = {
    SourceState.IDLE: _("Idle"),
    SourceState.SYNCING: _("Being read"),
    SourceState.FAILED: _("Failed"),
    SourceState.PAUSED: _("Paused"),
}
_LEGS = {
    "lexical": _("words"),
    "vector": _("meaning"),
    "symbol": _("names"),
    "recency": _("recent"),
    "rerank": _("read again"),
}
_WHY_NOTHING = {
    "empty": _("This knowledge base holds no documents yet. Connect a source, or upload some."),
    "reading": _("Its documents are still being read. Ask again in a moment."),
    "unreadable": _("None of its documents could be read. The list of documents says why."),
    "filtered": _("Its documents have nothing for this within these filters. Widen them, or leave them out."),
    "words": _("None of these words stands in it. Ask by meaning, too, or with other words."),
    "far": _("Nothing in it is near to this question. Ask with other words."),
}


@register.filter
def source_kind(kind: str) -> str:
    """The kind of a source, as the form for one calls it."""
    return str(_KINDS[SourceKind(kind)])


@register.filter
def document_word(state: str) -> str:
    """The state of a document as a reader says it."""
    return str(_DOCUMENT[DocumentState(state)][0])


@register.filter
def document_mark(state: str) -> str:
    """The status whose mark shows the state of a document."""
    return _DOCUMENT[DocumentState(state)][1]


@register.filter
def source_word(state: str) -> str:
    """The state of a source as a reader says it."""
    return str(_SOURCE[SourceState(state)])


@register.filter
def leg_word(name: str) -> str:
    """A way of finding as a reader says it."""
    return str(_LEGS.get(name, name))


@register.filter
def why_nothing(reason: str) -> str:
    """Why nothing was found, and what to do."""
    return str(_WHY_NOTHING.get(reason, ""))


@register.filter
def place_words(place: Place | Citation | Mapping[str, Any]) -> str:
    """Where a piece stands: its page or lines, its path inside, its section."""
    known = Place.from_json(place) if isinstance(place, Mapping) else place
    said = [str(_("page %(page)s") % {"page": known.page})] if known.page is not None else []
    if known.lines is not None:
        first, last = known.lines
        words = _("line %(lines)s") if first == last else _("lines %(lines)s")
        said.append(str(words % {"lines": first if first == last else f"{first}–{last}"}))
    if isinstance(known, Place):
        said += [word for word in (known.path, known.section) if word]
    return ", ".join(said)


@register.simple_tag
def numbered(chunk: Chunk) -> Sequence[tuple[int, str]]:
    """The lines of a piece with their numbers; nothing where its text is not its lines as they are."""
    place = Place.from_json(chunk.place)
    lines = chunk.text.split("\n")
    if place.lines is None or place.page is not None or len(lines) != place.lines[1] - place.lines[0] + 1:
        return ()
    return list(enumerate(lines, place.lines[0]))
