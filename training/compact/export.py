"""Write a trained model as two ONNX graphs with dynamic shapes, made node by node from its arrays.

MindSpore's own export writes static shapes only.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from kgbuilder.extract.compact.model import ENCODER_GRAPH, RELATIONS_GRAPH
from training.compact.graph import Arrays, Graph
from training.compact.recipe import ModelPart
from training.compact.tables import MAX_DISTANCE, N_DISTANCE_IDS, distance_ids, rope_tables

__all__ = ["export_graphs"]

_FAR = 1e4


def export_graphs(
    folder: Path, arrays: Arrays, model: ModelPart, n_signals: int, names: Any, *, small: bool = False
) -> None:
    """Write encoder.onnx and relations.onnx, in 32-bit floats, or with `small` weights of 8 bits.

    `arrays` are the weights by name, `model` the sizes of the recipe, `names` the encodings of the relations' names.
    """
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(_encoder(Graph(small=small), arrays, model, n_signals), str(folder / ENCODER_GRAPH))
    onnx.save(_relations(Graph(small=small), arrays, names), str(folder / RELATIONS_GRAPH))


# --- encoder ----------------------------------------------------------------------------------------------------------


def _encoder(graph: Graph, arrays: Arrays, model: ModelPart, n_signals: int) -> onnx.ModelProto:
    inputs: dict[str, tuple[int, Sequence[Any]]] = {
        "ids": (TensorProto.INT64, ["rows", "length", None]),
        "mask": (TensorProto.FLOAT, ["rows", "length"]),
    }
    if n_signals:
        inputs["signals"] = (TensorProto.FLOAT, ["rows", "length", n_signals])
    far = graph.op("Sub", graph.op("Unsqueeze", "mask", graph.shape(1, 2)), graph.constant(1.0))
    far = graph.op("Mul", far, graph.constant(_FAR))
    hidden = _convolutions(graph, arrays, model, far) if n_signals else _transformer(graph, arrays, model, far)
    return graph.model(inputs, {"hidden": (hidden, 3), "scores": (_entity_scores(graph, arrays, model, hidden), 4)})


def _field(graph: Graph, number: int) -> str:
    return graph.op("Gather", "ids", graph.constant(number, np.int64), axis=2)


def _convolutions(graph: Graph, arrays: Arrays, model: ModelPart, far: str) -> str:
    d = model.d
    parts = [graph.look_up(arrays[f"encoder.table_{n}"], _field(graph, n)) for n in range(len(model.field_dims))]
    parts.append(graph.dense("signals", arrays, "encoder.signals"))
    real = graph.op("Unsqueeze", "mask", graph.shape(2))
    x = graph.dense(graph.op("Concat", *parts, axis=-1), arrays, "encoder.input")
    x = graph.op("Mul", graph.norm(x, arrays, "encoder.norm", 1e-5), real)
    length = graph.size("ids", 1)
    for n, step in enumerate(model.dilations):
        padded = graph.op("Pad", x, graph.shape(0, step, 0, 0, step, 0))
        before = graph.cut(padded, 0, length, 1)
        after = graph.cut(padded, 2 * step, graph.op("Add", length, graph.constant([2 * step], np.int64)), 1)
        both = graph.dense(graph.op("Concat", before, x, after, axis=-1), arrays, f"encoder.gates.{n}")
        gate = graph.op("Sigmoid", graph.cut(both, d, 2 * d, 2))
        kept = graph.op("Mul", x, graph.op("Sub", graph.constant(1.0), gate))
        x = graph.op("Add", kept, graph.op("Mul", graph.cut(both, 0, d, 2), gate))
        x = graph.op("Mul", graph.norm(x, arrays, f"encoder.norms.{n}", 1e-5), real)
    return _attention(graph, arrays, "encoder.attention", x, far, d=d, heads=model.heads, epsilon=1e-5)


def _transformer(graph: Graph, arrays: Arrays, model: ModelPart, far: str) -> str:
    words = graph.look_up(arrays["encoder.words"], _field(graph, 0))
    shapes = graph.look_up(arrays["encoder.shapes"], _field(graph, 1))
    positions = graph.cut(graph.constant(arrays["encoder.positions"]), 0, graph.size("ids", 1), 0)
    x = graph.op("Add", graph.op("Add", words, shapes), positions)
    x = graph.norm(x, arrays, "encoder.norm", 1e-12)
    d, heads = model.d, model.heads
    for n in range(model.layers):
        x = _attention(graph, arrays, f"encoder.layers.{n}", x, far, d=d, heads=heads, epsilon=1e-12)
    return x


def _attention(graph: Graph, arrays: Arrays, name: str, x: str, far: str, *, d: int, heads: int, epsilon: float) -> str:
    split = graph.shape(0, 0, 3 * heads, d // heads)
    qkv = graph.op("Transpose", graph.op("Reshape", graph.dense(x, arrays, f"{name}.qkv"), split), perm=[0, 2, 1, 3])
    query, key, value = (graph.cut(qkv, n * heads, (n + 1) * heads, 1) for n in range(3))
    scores = graph.op("MatMul", query, graph.op("Transpose", key, perm=[0, 1, 3, 2]))
    scores = graph.op("Add", graph.op("Mul", scores, graph.constant((d // heads) ** -0.5)), far)
    mixed = graph.op("Transpose", graph.op("MatMul", graph.op("Softmax", scores, axis=-1), value), perm=[0, 2, 1, 3])
    mixed = graph.dense(graph.op("Reshape", mixed, graph.shape(0, 0, d)), arrays, f"{name}.out")
    x = graph.norm(graph.op("Add", x, mixed), arrays, f"{name}.norm_1", epsilon)
    inner = graph.dense(graph.gelu(graph.dense(x, arrays, f"{name}.inner")), arrays, f"{name}.outer")
    return graph.norm(graph.op("Add", x, inner), arrays, f"{name}.norm_2", epsilon)


def _entity_scores(graph: Graph, arrays: Arrays, model: ModelPart, hidden: str) -> str:
    """(rows, length, d) -> (rows, length, width, types): row i of query times key, shifted left by i."""
    size, width = model.d_span, model.width
    n_types = arrays["entity.ends.bias"].shape[0] // 2
    rows, length = graph.size("ids", 0), graph.size("ids", 1)
    cosines, sines = rope_tables(model.max_tokens, size)
    cut = [graph.cut(graph.constant(table), 0, length, 0) for table in (cosines, sines)]

    def rotated(x: str) -> str:
        one, other = graph.cut(x, 0, size // 2, 2), graph.cut(x, size // 2, size, 2)
        first = graph.op("Sub", graph.op("Mul", one, cut[0]), graph.op("Mul", other, cut[1]))
        second = graph.op("Add", graph.op("Mul", other, cut[0]), graph.op("Mul", one, cut[1]))
        return graph.op("Concat", first, second, axis=-1)

    both = graph.dense(hidden, arrays, "entity.query_key")
    query, key = rotated(graph.cut(both, 0, size, 2)), rotated(graph.cut(both, size, 2 * size, 2))
    scores = graph.op("MatMul", query, graph.op("Transpose", key, perm=[0, 2, 1]))
    scores = graph.op("Mul", scores, graph.constant(size**-0.5))
    scores = graph.op("Pad", scores, graph.shape(0, 0, 0, 0, 0, width))
    flat = graph.op("Reshape", scores, graph.op("Concat", rows, graph.shape(-1), axis=0))
    zero = graph.shape(0)
    flat = graph.op("Pad", flat, graph.op("Concat", zero, zero, zero, length, axis=0))
    wide = graph.op("Add", length, graph.shape(width + 1))
    band = graph.op("Reshape", flat, graph.op("Concat", rows, length, wide, axis=0))
    band = graph.op("Unsqueeze", graph.cut(band, 0, width, 2), graph.shape(3))
    ends = graph.dense(hidden, arrays, "entity.ends")
    at_start = graph.op("Unsqueeze", graph.cut(ends, 0, n_types, 2), graph.shape(2))
    at_end = graph.op("Pad", graph.cut(ends, n_types, 2 * n_types, 2), graph.shape(0, 0, 0, 0, width, 0))
    places = graph.op(
        "Range", graph.constant(0, np.int64), graph.op("Squeeze", length, graph.shape(0)), graph.constant(1, np.int64)
    )
    places = graph.op("Unsqueeze", places, graph.shape(1))
    places = graph.op("Add", places, graph.constant(np.arange(width)[None], np.int64))
    shifted = graph.op("Gather", at_end, places, axis=1)
    return graph.op("Add", graph.op("Add", band, at_start), shifted)


# --- relations --------------------------------------------------------------------------------------------------------


def _relations(graph: Graph, arrays: Arrays, names: Any) -> onnx.ModelProto:
    inputs: dict[str, tuple[int, Sequence[Any]]] = {
        "hidden": (TensorProto.FLOAT, ["rows", "length", arrays["relation.head.weight"].shape[1] // 2]),
        "mask": (TensorProto.FLOAT, ["rows", "length"]),
        "start": (TensorProto.INT64, ["spans"]),
        "end": (TensorProto.INT64, ["spans"]),
        "types": (TensorProto.FLOAT, ["spans", arrays["relation.head_type.weight"].shape[1]]),
        "head": (TensorProto.INT64, ["pairs"]),
        "tail": (TensorProto.INT64, ["pairs"]),
    }
    d = arrays["relation.head.weight"].shape[1] // 2
    size = arrays["relation.head.weight"].shape[0]
    flat = graph.op("Reshape", "hidden", graph.shape(-1, d))
    ends = graph.op("Concat", graph.rows(flat, "start"), graph.rows(flat, "end"), axis=-1)
    types = graph.op("Sigmoid", "types")
    heads, tails = (
        graph.op(
            "Add",
            graph.dense(ends, arrays, f"relation.{side}"),
            graph.dense(types, arrays, f"relation.{side}_type"),
        )
        for side in ("head", "tail")
    )
    pair = graph.op("Add", graph.rows(heads, "head"), graph.rows(tails, "tail"))
    low, gap, bucket = _between(graph)
    sums = graph.op("CumSum", graph.dense("hidden", arrays, "relation.between"), graph.constant(1, np.int64))
    sums = graph.op("Reshape", graph.op("Pad", sums, graph.shape(0, 1, 0, 0, 0, 0)), graph.shape(-1, size))
    total = graph.op("Sub", graph.rows(sums, graph.op("Add", low, gap)), graph.rows(sums, low))
    n_between = graph.op("Cast", graph.op("Max", gap, graph.constant(1, np.int64)), to=TensorProto.FLOAT)
    pair = graph.op("Add", pair, graph.op("Div", total, graph.op("Unsqueeze", n_between, graph.shape(1))))
    pair = graph.op("Add", pair, graph.rows(graph.constant(arrays["relation.distance"]), bucket))
    pair = graph.op("Add", pair, _look(graph, arrays, pair, flat))
    low_rank = graph.op(
        "Mul",
        graph.rows(graph.dense(ends, arrays, "relation.head_low"), "head"),
        graph.rows(graph.dense(ends, arrays, "relation.tail_low"), "tail"),
    )
    vectors = np.asarray(names) @ arrays["relation.from_name.weight"].T + arrays["relation.own"]
    both = graph.op("Concat", graph.gelu(pair), low_rank, axis=-1)
    logits = graph.op("MatMul", both, graph.constant(vectors.T))
    logits = graph.op("Add", logits, graph.constant(arrays["relation.bias"]))
    return graph.model(inputs, {"logits": (logits, 2)})


def _look(graph: Graph, arrays: Arrays, pair: str, flat: str) -> str:
    """Return what each pair sees in the tokens of its row."""
    query, key = graph.dense(pair, arrays, "relation.query"), graph.dense(flat, arrays, "relation.key")
    scores = graph.op("MatMul", query, graph.op("Transpose", key, perm=[1, 0]))
    scores = graph.op("Mul", scores, graph.constant(arrays["relation.key.weight"].shape[0] ** -0.5))
    zero, one = graph.constant(0, np.int64), graph.constant(1, np.int64)
    tokens = graph.op("Range", zero, graph.op("Squeeze", graph.size(flat, 0), graph.shape(0)), one)
    length = graph.size("hidden", 1)
    rows = graph.op("Unsqueeze", graph.op("Div", tokens, length), graph.shape(0))
    row = graph.op("Unsqueeze", graph.op("Div", graph.rows("start", "head"), length), graph.shape(1))
    own = graph.op("Cast", graph.op("Equal", rows, row), to=TensorProto.FLOAT)
    own = graph.op("Mul", own, graph.op("Reshape", "mask", graph.shape(1, -1)))
    far = graph.op("Mul", graph.op("Sub", own, graph.constant(1.0)), graph.constant(_FAR))
    weights = graph.op("Softmax", graph.op("Add", scores, far), axis=-1)
    seen = graph.op("MatMul", weights, graph.dense(flat, arrays, "relation.value"))
    return graph.dense(seen, arrays, "relation.seen")


def _between(graph: Graph) -> tuple[str, str, str]:
    """Return of each pair where in the padded sums its gap begins, how long it is, and the bucket of its distance."""
    head_start, tail_start = graph.rows("start", "head"), graph.rows("start", "tail")
    first = graph.op("Min", graph.rows("end", "head"), graph.rows("end", "tail"))
    first = graph.op("Add", first, graph.constant(1, np.int64))
    last = graph.op("Max", head_start, tail_start)
    row = graph.op("Div", head_start, graph.size("hidden", 1))
    gap = graph.op("Max", graph.op("Sub", last, first), graph.constant(0, np.int64))
    low = graph.op("Add", graph.op("Min", first, last), row)
    near = graph.op("Min", gap, graph.constant(MAX_DISTANCE, np.int64))
    bucket = graph.op("Gather", graph.constant(distance_ids(), np.int64), near, axis=0)
    backwards = graph.op("Cast", graph.op("Less", tail_start, head_start), to=TensorProto.INT64)
    moved = graph.op("Mul", backwards, graph.constant(N_DISTANCE_IDS // 2, np.int64))
    return low, gap, graph.op("Add", bucket, moved)
