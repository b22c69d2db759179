# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Writes the graph of the embedded model: the weights it was published with, in eight bits where that does no harm.

A text goes through the graph by itself. What comes in is scaled anew in every multiplication, so a neighbor in a batch
would change a text's vector; and without padding there is nothing to mask.

A handful of channels carry values ten times as large as all the others. They are multiplied as they are, in thirty-two
bits, beside the rest: were they scaled with it, the rest would be left with four bits. Weights keep to seven bits, as
processors without VNNI add pairs of products in sixteen.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from llm.adapters.embedders.weights import DIMENSIONS, MOST_PIECES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llm.adapters.embedders.weights import Weights

    Table = NDArray[np.float32]

LAYERS = 6
HEADS = 12
LOUDEST = 63
# Measured once on prose, code and questions; the weights are pinned by their hash, so these hold for good.
_LOUD = (63, 94, 99, 127, 157, 223, 267, 338)
_LOUD_INNER = (
    (856, 329, 691, 433),
    (607, 251, 821, 1004),
    (1004, 218, 1445, 606),
    (358, 201, 318, 750),
    (637, 1321, 716, 1357),
    (1302, 499, 119, 1300),
)
_OURS = "com.microsoft"
_SELF = ("query", "key", "value")
_EPSILON = 1e-12


def write_graph(weights: "Weights") -> bytes:
    """Return the graph: ``pieces`` in (one text's word pieces), ``vector`` out, of length one."""
    return _Graph(weights).written()


class _Graph:
    """Nodes and tables, gathered on the way from the pieces to the vector."""

    def __init__(self, weights: "Weights") -> None:
        self._weights = weights
        self._nodes: list[Any] = []
        self._tables: list[Any] = []

    def written(self) -> bytes:
        state = self._embedded()
        for number in range(LAYERS):
            state = self._layer(state, number)
        mean = self._node("ReduceMean", [state, self._table("axis", np.array([1], np.int64))], "mean", keepdims=0)
        self._node("LpNormalization", [mean], "vector", axis=-1, p=2)
        graph = helper.make_graph(
            self._nodes,
            "minilm",
            [helper.make_tensor_value_info("pieces", TensorProto.INT64, [1, "count"])],
            [helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, DIMENSIONS])],
            self._tables,
        )
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid(_OURS, 1)]
        return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())

    def _embedded(self) -> str:
        """The words where they stand. Half the bits are enough: nothing is multiplied with them."""
        words = self._weights["embeddings.word_embeddings.weight"].astype(np.float16)
        kinds = self._weights["embeddings.token_type_embeddings.weight"]
        places = self._weights["embeddings.position_embeddings.weight"][:MOST_PIECES] + kinds[0]
        found = self._node("Gather", [self._table("words", words), "pieces"], "found")
        whole = self._node("Cast", [found], "whole", to=TensorProto.FLOAT)
        count = self._node("Shape", ["pieces"], "count", start=1, end=2)
        start = self._table("start", np.array([0], np.int64))
        first = self._node("Slice", [self._table("places", places), start, count, start], "first")
        placed = self._node("Add", [whole, first], "placed")
        return self._node(
            "LayerNormalization", [placed, *self._norm("embeddings.LayerNorm")], "state", epsilon=_EPSILON
        )

    def _layer(self, state: str, number: int) -> str:
        key, name = f"encoder.layer.{number}", f"layer{number}"
        seen = self._attended(state, number)
        out = self._times(seen, f"{name}.out", key=f"{key}.attention.output.dense")
        state = self._added(out, state, key=f"{key}.attention.output.LayerNorm")
        inner = self._times(state, f"{name}.inner", key=f"{key}.intermediate.dense", loud=_LOUD)
        inner = self._node("Gelu", [inner], f"{name}.gelu", domain=_OURS)
        outer = self._times(inner, f"{name}.outer", key=f"{key}.output.dense", loud=_LOUD_INNER[number])
        return self._added(outer, state, key=f"{key}.output.LayerNorm")

    def _attended(self, state: str, number: int) -> str:
        name, keys = f"layer{number}.seen", [f"encoder.layer.{number}.attention.self.{x}" for x in _SELF]
        parts = [f"{name}.{each}" for each in _SELF]
        joined = self._multiplied(
            state,
            name,
            table=np.concatenate([self._weights[f"{key}.weight"].T for key in keys], axis=1),
            bias=np.concatenate([self._weights[f"{key}.bias"] for key in keys]),
            loud=_LOUD,
        )
        sizes = self._table(f"{name}.sizes", np.array([DIMENSIONS] * 3, np.int64))
        self._nodes.append(helper.make_node("Split", [joined, sizes], parts, axis=-1))
        return self._node("MultiHeadAttention", parts, f"{name}.all", domain=_OURS, num_heads=HEADS)

    def _added(self, one: str, other: str, *, key: str) -> str:
        inputs = [one, other, *self._norm(key)]
        return self._node("SkipLayerNormalization", inputs, f"{key}.sum", domain=_OURS, epsilon=_EPSILON)

    def _norm(self, key: str) -> list[str]:
        return [self._table(f"{key}.{part}", self._weights[f"{key}.{part}"]) for part in ("weight", "bias")]

    def _times(self, given: str, name: str, *, key: str, loud: tuple[int, ...] = ()) -> str:
        table, bias = self._weights[f"{key}.weight"].T, self._weights[f"{key}.bias"]
        return self._multiplied(given, name, table=table, bias=bias, loud=loud)

    def _multiplied(self, given: str, name: str, *, table: "Table", bias: "Table", loud: tuple[int, ...] = ()) -> str:
        """``given`` times ``table`` plus ``bias``; the channels that are ``loud`` apart and in full."""
        if not loud:
            return self._quantized(given, name, table=table, bias=bias)
        quiet = np.ones(len(table), np.float32)
        quiet[list(loud)] = 0
        hushed = self._node("Mul", [given, self._table(f"{name}.quiet", quiet)], f"{name}.hushed")
        most = self._quantized(hushed, name, table=table * quiet[:, None], bias=bias)
        channels = self._table(f"{name}.channels", np.array(loud, np.int64))
        taken = self._node("Gather", [given, channels], f"{name}.taken", axis=-1)
        rest = self._node("MatMul", [taken, self._table(f"{name}.loud", table[list(loud)])], f"{name}.rest")
        return self._node("Add", [most, rest], f"{name}.total")

    def _quantized(self, given: str, name: str, *, table: "Table", bias: "Table") -> str:
        scales = np.maximum(np.abs(table).max(axis=0) / LOUDEST, np.finfo(np.float32).tiny).astype(np.float32)
        small = np.clip(np.rint(table / scales), -LOUDEST, LOUDEST).astype(np.int8)
        tables = {"small": small, "scales": scales, "zeros": np.zeros(len(scales), np.int8), "bias": bias}
        inputs = [given, *(self._table(f"{name}.{part}", each) for part, each in tables.items())]
        return self._node("DynamicQuantizeMatMul", inputs, f"{name}.most", domain=_OURS)

    def _table(self, name: str, values: "NDArray[Any]") -> str:
        if name not in {table.name for table in self._tables}:
            self._tables.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _node(self, kind: str, inputs: list[str], output: str, **settings: Any) -> str:
        self._nodes.append(helper.make_node(kind, inputs, [output], name=output, **settings))
        return output
