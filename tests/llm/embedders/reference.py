# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The embedded model as it was published, in thirty-two bits and plain numpy: what the quick one is held against."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

LAYERS, HEADS = 6, 12
_TABLES = ("word", "position", "token_type")
_erf = np.vectorize(math.erf, otypes=[np.float32])


def reference_vector(weights: Mapping[str, Any], pieces: Sequence[int]) -> Any:
    """Return the vector of one text."""

    def linear(x: Any, key: str) -> Any:
        return x @ weights[f"{key}.weight"].T + weights[f"{key}.bias"]

    def norm(x: Any, key: str) -> Any:
        centered = x - x.mean(-1, keepdims=True)
        spread = np.sqrt((centered**2).mean(-1, keepdims=True) + 1e-12)
        return centered / spread * weights[f"{key}.weight"] + weights[f"{key}.bias"]

    def attended(x: Any, key: str) -> Any:
        parts = [linear(x, f"{key}.self.{part}") for part in ("query", "key", "value")]
        query, keys, value = (part.reshape(len(x), HEADS, -1).transpose(1, 0, 2) for part in parts)
        scores = query @ keys.transpose(0, 2, 1) / math.sqrt(query.shape[-1])
        chances = np.exp(scores - scores.max(-1, keepdims=True))
        chances /= chances.sum(-1, keepdims=True)
        seen = (chances @ value).transpose(1, 0, 2).reshape(len(x), -1)
        return norm(linear(seen, f"{key}.output.dense") + x, f"{key}.output.LayerNorm")

    table = "embeddings.{}_embeddings.weight".format
    x = (
        weights[table("word")][list(pieces)]
        + weights[table("position")][: len(pieces)]
        + weights[table("token_type")][0]
    )
    x = norm(x, "embeddings.LayerNorm")
    for number in range(LAYERS):
        key = f"encoder.layer.{number}"
        x = attended(x, f"{key}.attention")
        inner = linear(x, f"{key}.intermediate.dense")
        inner = inner * 0.5 * (1 + _erf(inner / math.sqrt(2)))
        x = norm(linear(inner, f"{key}.output.dense") + x, f"{key}.output.LayerNorm")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)
