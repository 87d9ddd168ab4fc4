"""The network of characters that comes with jieba, as a graph for onnxruntime.

LAC (Jiao et al. 2018, Chinese Lexical Analysis with Deep Bi-GRU-CRF Network; Apache-2.0) was trained to cut, tag and
find names in Chinese text. jieba carries its small form: vectors of characters and two layers of gated recurrent units
in both directions. What both layers say of a character is the input of our encoder; its tags are not used.
"""

import hashlib
import json
import struct
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto

from kgbuilder.extract.compact.context import CONTEXT_CHARACTERS, CONTEXT_GRAPH
from training.compact.graph import Graph

__all__ = ["export_lac", "read_weights"]

FloatArray = npt.NDArray[np.float32]

_N_LAYERS = 2
_UNKNOWN = "OOV"


def export_lac(folder: Path) -> str:
    """Write the network and its characters into a model folder; return the hash of its weights."""
    weights, digest = read_weights()
    lines = _folder().joinpath("word.dic").read_text(encoding="utf-8").split("\n")[:-1]
    pairs = [line.split("\t", 1) for line in lines]
    words = {word: int(number) for number, word in pairs}
    characters = {word: number for word, number in words.items() if len(word) == 1}
    graph = _graph(weights)
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(graph, str(folder / CONTEXT_GRAPH))
    stated = {
        "size": _N_LAYERS * 2 * weights["gru_0.w_0"].shape[0],
        "unknown": words[_UNKNOWN],
        "characters": characters,
    }
    (folder / CONTEXT_CHARACTERS).write_text(json.dumps(stated, ensure_ascii=False), encoding="utf-8")
    return digest


def _folder() -> resources.abc.Traversable:
    return resources.files("jieba").joinpath("lac_small")


def read_weights() -> tuple[dict[str, FloatArray], str]:
    """Return the arrays by name, and a hash of them all."""
    digest = hashlib.sha256()
    weights = {}
    for file in sorted(_folder().joinpath("model_baseline").iterdir(), key=lambda file: file.name):
        content = file.read_bytes()
        digest.update(content)
        weights[file.name] = _tensor(content)
    return weights, digest.hexdigest()


def _tensor(content: bytes) -> FloatArray:
    """Read an array as Paddle writes it: version, levels of detail, version, a protobuf of type and sizes, numbers."""
    (n_levels,) = struct.unpack_from("<Q", content, 4)
    at = 12
    for _ in range(n_levels):
        at += 8 + struct.unpack_from("<Q", content, at)[0]
    (n_described,) = struct.unpack_from("<i", content, at + 4)
    at += 8
    sizes = _sizes(content[at : at + n_described])
    return np.frombuffer(content, "<f4", offset=at + n_described).reshape(sizes)


def _sizes(described: bytes) -> list[int]:
    """Return the numbers of field 2, in which all that is written are varints."""
    numbers, value, shift = [], 0, 0
    for byte in described:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(value)
            value, shift = 0, 0
    return [size for key, size in zip(numbers[::2], numbers[1::2], strict=True) if key == 2 << 3]


def _graph(weights: dict[str, FloatArray]) -> onnx.ModelProto:
    """(n_characters, rows) ids -> (n_tokens, size); `first` and `last` count characters * rows + row."""
    graph = Graph(small=True)
    x = graph.look_up(weights["word_emb"], "characters")
    vectors = []
    for layer in range(_N_LAYERS):
        sides = [_side(weights, number) for number in (2 * layer, 2 * layer + 1)]
        arrays = [graph.constant(np.stack(parts)) for parts in zip(*sides, strict=True)]
        size = sides[0][1].shape[1]
        y = graph.op("GRU", x, *arrays, "lengths", hidden_size=size, direction="bidirectional")
        for side, place in enumerate(("last", "first")):
            one = graph.op("Squeeze", graph.cut(y, side, side + 1, 1), graph.shape(1))
            vectors.append(graph.rows(graph.op("Reshape", one, graph.shape(-1, size)), place))
        x = graph.op("Reshape", graph.op("Transpose", y, perm=[0, 2, 1, 3]), graph.shape(0, 0, -1))
    ints: dict[str, tuple[int, list[str]]] = {
        "characters": (TensorProto.INT64, ["n_characters", "rows"]),
        "lengths": (TensorProto.INT32, ["rows"]),
        "first": (TensorProto.INT64, ["n_tokens"]),
        "last": (TensorProto.INT64, ["n_tokens"]),
    }
    return graph.model(ints, {"vectors": (graph.op("Concat", *vectors, axis=-1), 2)})


def _side(weights: dict[str, FloatArray], number: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return input weights, recurrent weights and biases of one direction as ONNX orders them.

    Paddle's update gate is one minus that of ONNX; it stores the recurrent weights of both gates, then of the state.
    """
    w = weights[f"fc_{number}.w_0"].T
    bias = (weights[f"fc_{number}.b_0"] + weights[f"gru_{number}.b_0"].reshape(-1)).copy()
    flat, size = weights[f"gru_{number}.w_0"].reshape(-1), w.shape[0] // 3
    gates, state = flat[: 2 * size * size].reshape(size, 2 * size), flat[2 * size * size :].reshape(size, size)
    r = np.concatenate([gates.T, state.T])
    sign = np.ones((3 * size, 1), np.float32)
    sign[:size] = -1.0
    return w * sign, r * sign, np.concatenate([bias * sign[:, 0], np.zeros(3 * size, np.float32)])
