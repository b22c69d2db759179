# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Texts, read once for all fields of a schema: what stands behind which label, and where."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from codexos.kernel.chat import ContextDocument
from codexos.kernel.jsontypes import JsonObject
from codexos.kernel.prose import plain, words
from llm.adapters.quoting import Quote, Reading

MOST_LABELS = 20_000
MOST_CHARACTERS = 4_000_000
# Looking for the sentence that answers takes longest; of more than this, the beginning is looked through.
READ_CHARACTERS = 400_000
_LABELED = re.compile(
    r"^[ \t>*+|\"'-]{0,8}([^\n:=|]{1,60}?)[*\"'` \t]{0,4}(?:[:=|]|[ ][-–][ ])[ \t]*([^\n]{1,2000})$", re.M
)
# Words of the form a value has tell less of which one is meant: a due date is rather what is due than any date.
_OF_FORM = frozenset(words("date day time number no id name address mail email phone url link text value amount"))
_MARKS = " \t*\"'`|,;"


@dataclass(frozen=True, slots=True)
class Labeled:
    """What stands behind a label."""

    label: frozenset[str]
    value: str
    document: ContextDocument
    start: int


class Material:
    """Everything a request brings, to find values in. What a person said comes last: documents are meant first."""

    def __init__(self, documents: Sequence[ContextDocument]) -> None:
        self.documents = [document for document in documents if document.text.strip()]

    @cached_property
    def text(self) -> str:
        """All of it, up to what is read in a second."""
        return "\n".join(document.text for document in self.documents)[:MOST_CHARACTERS]

    @cached_property
    def labels(self) -> Sequence[Labeled]:
        """Every label with what stands behind it, in order."""
        return list(self._labels())

    def _labels(self) -> Iterator[Labeled]:
        count = 0
        for document in self.documents:
            for found in _LABELED.finditer(document.text[:MOST_CHARACTERS]):
                count += 1
                if count > MOST_LABELS:
                    return
                label = frozenset(words(found[1]))
                # A whole sentence before a colon is no label.
                if label and len(label) <= 6:
                    yield Labeled(label, found[2].strip(_MARKS), document, found.start(2))

    def behind(self, named: Sequence[str]) -> list[Labeled]:
        """Find what stands behind a label of these words, the nearest label first: all of its words, and few others."""
        wanted = frozenset(named)
        if not wanted:
            return []
        scored = [
            (_weight(wanted & each.label) / _weight(wanted | each.label), -order, each)
            for order, each in enumerate(self.labels)
            if wanted & each.label
        ]
        near = [each for each in scored if each[0] >= 0.5 or each[2].label >= wanted or each[2].label <= wanted]
        return [each for _, _, each in sorted(near, key=lambda each: each[:2], reverse=True)]

    @cached_property
    def reading(self) -> Reading:
        """The beginning, read for questions."""
        left, read = READ_CHARACTERS, []
        for document in self.documents:
            read.append(ContextDocument(document.name, document.text[:left], document.page_starts))
            left = max(0, left - len(document.text))
        return Reading(read)

    def sentences_on(self, named: str) -> list[Quote]:
        """Find the sentences that say something of these words, best first."""
        return self.reading.answers_to(named)

    def place_of(self, value: str) -> JsonObject | None:
        """Say where a value stands, if it does so in these words."""
        for document in self.documents:
            start = document.text.find(value)
            if start >= 0:
                line = document.text.count("\n", 0, start) + 1
                return document.cite(plain(value), first_line=line, last_line=line + value.count("\n"))
        return None


def _weight(label: frozenset[str]) -> float:
    return sum(0.3 if word in _OF_FORM else 1.0 for word in label)
