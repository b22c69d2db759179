# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The upkeep of knowledge, for the database's owner: large indexes get what makes them fast, small ones let it go.

Every step finds by itself what is left to do: killed in the middle, it goes on the next time; run twice, the second
time does nothing. Nobody waits for it: an index is searched exactly until all it needs stands, and again from the
moment on when it is to go.
"""

from collections.abc import Iterator
from typing import Any

import psycopg

from rag.adapters import large_indexes
from rag.adapters.large_indexes import Standing
from rag.engine.strategies import MOST_DIMENSIONS, has_drifted, is_large
from rag.models import IndexState, Strategy

_SEARCHED = (IndexState.BUILDING, IndexState.READY, IndexState.ACTIVE)


def maintain_knowledge(connection: psycopg.Connection[Any], *, is_dry: bool = False) -> Iterator[str]:
    """Build what large indexes need and drop what no index needs any more; yield what was done, or would be."""
    with large_indexes.only_one(connection) as is_alone:
        if not is_alone:
            yield "another upkeep of knowledge is under way; nothing was done"
            return
        standing = large_indexes.list_standing(connection)
        wanted = [each for each in standing if _is_wanted(each)]
        for each in standing:
            if each not in wanted and each.strategy == Strategy.HNSW:
                yield from _let_go(connection, each, is_dry=is_dry)
        names = {name for each in wanted for name in each.names}
        for name, is_valid in large_indexes.list_built(connection).items():
            if name not in names or not is_valid:
                yield f"{'would drop' if is_dry else 'dropped'} {name}"
                if not is_dry:
                    large_indexes.drop(connection, name)
        for each in wanted:
            yield from _keep_up(connection, each, is_dry=is_dry)


def _is_wanted(standing: Standing) -> bool:
    was_large = standing.strategy == Strategy.HNSW
    fits = 0 < standing.dimensions <= MOST_DIMENSIONS
    return fits and standing.state in _SEARCHED and is_large(standing.chunks, was_large=was_large)


def _let_go(connection: psycopg.Connection[Any], standing: Standing, *, is_dry: bool) -> Iterator[str]:
    yield f"{'would search' if is_dry else 'searches'} {standing.index_id} exactly from now on"
    if not is_dry:
        large_indexes.say_strategy(connection, standing.index_id, Strategy.EXACT)
        large_indexes.forget(connection, standing.index_id)


def _keep_up(connection: psycopg.Connection[Any], standing: Standing, *, is_dry: bool) -> Iterator[str]:
    built = large_indexes.list_built(connection)
    missing = [name for name in standing.names if not built.get(name)]
    for name in missing:
        yield f"{'would build' if is_dry else 'built'} {name} for {standing.chunks} chunks"
        if not is_dry:
            large_indexes.build(connection, standing, name)
    if standing.counted is None or has_drifted(standing.chunks, counted=standing.counted):
        yield f"{'would count' if is_dry else 'counted'} the terms of {standing.index_id}"
        if not is_dry:
            large_indexes.count(connection, standing)
    if missing and not is_dry:
        large_indexes.analyze(connection)
    if standing.strategy != Strategy.HNSW and not is_dry:
        large_indexes.say_strategy(connection, standing.index_id, Strategy.HNSW)
