# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can go wrong with golden questions, knowledge tests, and the gate of a switch."""

from codexos.kernel.errors import Conflict, InvalidInput, LimitReached, NotFound


class GoldenQuestionInvalid(InvalidInput):
    """What was said of a golden question does not hold together."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(message, errors=[{"place": place, "message": message}])


class GoldenQuestionNotFound(NotFound):
    """No such golden question in the knowledge base."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No golden question {name[:100]!r} in this knowledge base. List its golden questions.")


class GoldenQuestionTaken(Conflict):
    """The knowledge base asks this already."""

    def __init__(self, text: str) -> None:
        super().__init__(f"The knowledge base has the golden question {text[:100]!r} already. Change that one.")


class GoldenQuestionsFull(LimitReached):
    """A knowledge base has as many golden questions as it may have."""

    def __init__(self, *, limit: int) -> None:
        message = f"A knowledge base has {limit} golden questions at most. Delete some that say nothing new."
        super().__init__(message, limit=limit)


class KnowledgeTestNotFound(NotFound):
    """No such test of the knowledge base."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No test {name[:100]!r} of this knowledge base. List its tests.")


class NothingToTest(Conflict):
    """A knowledge base without golden questions, or without such an index."""

    def __init__(self, *, because: str) -> None:
        super().__init__(f"There is nothing to test: {because}")


class IndexKeptBack(Conflict):
    """An index did not pass the gate of its knowledge base."""

    def __init__(self, *, number: int, because: str) -> None:
        message = f"Index {number} is kept back by the gate. {because} Say all_the_same to switch to it anyway."
        super().__init__(message, number=number)
