# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What stands around a passage: what stands there now, and at a commit what stood there then."""

from accounts.tenancy import tenant
from rag.engine.passages import Filters, Mode, Question
from rag.models import Chunk
from rag.operations.searching import search
from tests.factories import World
from tests.rag.searching.shelves import Shelf, make_shelf


def shelf_of_two_days(world: World) -> Shelf:
    """A document whose first chunk stayed, and whose second one was replaced by the second commit."""
    shelf = make_shelf(world.dev, world.project, kind="git")
    shelf.revise(1, "aaaa1111")
    shelf.revise(2, "bbbb2222")
    shelf.add("a.md", "The kea flies.", since=1)
    shelf.add("a.md", "The password is swordfish.", since=1, until=2)
    after = shelf.add("a.md", "Ask Ada for it.", since=2)
    with tenant(world.acme.id):
        Chunk.objects.for_organization(world.acme.id).filter(pk=after.pk).update(ordinal=1)
    return shelf


def test_what_was_replaced_does_not_stand_around_what_stayed(world: World) -> None:
    shelf = shelf_of_two_days(world)

    def text(**more: str) -> str:
        asked = Question("kea", mode=Mode.EXACT, neighbors=1, filters=Filters(**more))
        (passage,) = search(world.dev.actor, [shelf.base], asked).passages
        return passage.text

    assert text() == "The kea flies.\nAsk Ada for it."
    assert text(commit="aaaa1111") == "The kea flies.\nThe password is swordfish."
