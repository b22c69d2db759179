# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What an expression reads: every path in it, and whether it may do without."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from agents.engine.expressions.tree import Expression, Guarded, Name, Reach, path_text


@dataclass(frozen=True, slots=True)
class Path:
    """A way into earlier results: a root name, then keys and indexes, up to the first that is worked out.

    ``is_optional`` tells that the expression goes on without it: left of ``??``, in ``default()``, beside ``== null``.
    """

    root: str
    accessors: tuple[str | int, ...]
    position: int
    is_optional: bool = False

    def __str__(self) -> str:
        return path_text(self.root, self.accessors)

    @property
    def node_id(self) -> str | None:
        """The step it reads from, or None where it reads the input, all steps, or one that is worked out."""
        if self.root == "steps":
            first = self.accessors[0] if self.accessors else None
            return first if isinstance(first, str) else None
        return None if self.root == "input" else self.root


def paths_of(expression: Expression) -> list[Path]:
    """List every path an expression reads, from left to right."""
    return sorted(_paths(expression), key=lambda path: path.position)


def _paths(expression: Expression) -> Iterator[Path]:
    waiting: list[tuple[Expression, bool]] = [(expression, False)]
    while waiting:
        part, is_optional = waiting.pop()
        is_optional = is_optional or isinstance(part, Guarded)
        inside = part.parts
        if isinstance(part, Name):
            yield Path(part.root, (), part.position, is_optional)
        elif isinstance(part, Reach) and isinstance(part.of, Name):
            yield Path(part.of.root, _written_out(part), part.position, is_optional)
            inside = inside[1:]
        waiting.extend((one, is_optional) for one in inside)


def _written_out(reach: Reach) -> tuple[str | int, ...]:
    leading = takewhile(lambda accessor: not isinstance(accessor, Expression), reach.accessors)
    return tuple(accessor for accessor in leading if not isinstance(accessor, Expression))
