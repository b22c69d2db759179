# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""XML inside packed files, element by element: nothing is kept of what has gone by, and nothing is expanded."""

import zipfile
from collections.abc import Iterator
from typing import Literal, NamedTuple
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from rag.adapters.parsing.raw import Unreadable

_DEEPEST = 500


class Event(NamedTuple):
    """An element begins or ends; ``name`` is its name without the namespace."""

    what: Literal["start", "end"]
    name: str
    element: Element

    def value(self, name: str) -> str:
        """Return an attribute by its name without the namespace, "" where there is none."""
        return next((value for key, value in self.element.items() if key.rpartition("}")[2] == name), "")


def events(packed: zipfile.ZipFile, member: str) -> Iterator[Event]:
    """Yield what begins and ends in a member. Raises Unreadable where it is damaged, too deep or a trap."""
    open_now: list[Element] = []
    try:
        with packed.open(member) as stream:
            for what, element in iterparse(stream, events=("start", "end"), forbid_dtd=True):
                yield Event(what, element.tag.rpartition("}")[2], element)
                if what == "start":
                    open_now.append(element)
                    if len(open_now) > _DEEPEST:
                        raise Unreadable("too_deep")
                else:
                    open_now.pop()
                    if open_now:
                        open_now[-1].clear()
    except (ParseError, zipfile.BadZipFile, EOFError, KeyError, NotImplementedError):
        raise Unreadable("broken") from None
    except DefusedXmlException:
        raise Unreadable("bomb") from None
