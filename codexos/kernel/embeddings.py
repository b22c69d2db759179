# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Texts as directions in a space where what means the same lies near: types only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from codexos.kernel.chat import Usage
from codexos.kernel.errors import CodexosError

Purpose = Literal["document", "query"]
"""Some models place what is searched for otherwise than what is to be found."""
Vector = Sequence[float]
"""A direction: its length is one, so the inner product of two says how near they are."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How much one call of an embedder takes: so many texts, so many characters in all."""

    texts: int
    characters: int


@dataclass(frozen=True, slots=True)
class EmbeddedBatch:
    """What one call came to: a vector for each text, in their order, and how many tokens each was counted as."""

    vectors: Sequence[Vector]
    tokens: Sequence[int]


class Embedder(Protocol):
    """The port every embedder keeps.

    Vectors of two embedders may be compared where their ``identity`` is the same, and no others.
    """

    @property
    def identity(self) -> str:
        """Who makes the vectors: the provider, the model, its dimensions."""
        ...

    @property
    def model(self) -> str:
        """The name of the model."""
        ...

    @property
    def limits(self) -> BatchLimits:
        """How much one call takes."""
        ...

    async def embed(self, texts: Sequence[str], *, purpose: Purpose) -> EmbeddedBatch:
        """Return a vector of length one for each text. Raises CodexosError kinds; one that is InvalidInput may be
        the fault of a single text."""
        ...


@dataclass(frozen=True, slots=True)
class Embedded:
    """Texts, embedded. Where one could not be, the error stands in its place and the others are not the worse for it.

    ``cached`` of them were known already and cost nothing.
    """

    vectors: Sequence[Vector | CodexosError]
    model: str
    identity: str
    usage: Usage
    cached: int = 0

    def whole(self) -> Sequence[Vector]:
        """Return the vectors. Raises the first error there is."""
        vectors: list[Vector] = []
        for each in self.vectors:
            if isinstance(each, CodexosError):
                raise each
            vectors.append(each)
        return vectors


def similarity(one: Vector, other: Vector) -> float:
    """How near two directions are: 1 where they are the same, 0 where they have nothing in common."""
    return sum(a * b for a, b in zip(one, other, strict=True))
