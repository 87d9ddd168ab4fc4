"""ONNX graphs, written node by node.

With small weights, a matrix has 8 bits a weight and a scale for each column, and what it is multiplied with is brought
to 8 bits row by row: what comes out for a token depends on its own text alone, never on the texts that are read with
it, as it would with one scale for a batch. Tables of vectors have 8 bits a number and a scale for each row.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ["Arrays", "Graph"]

_OPSET = 17
_IR_VERSION = 8
_LEVELS, _ZERO_POINT = 127, 128
_LEAST = 1e-6
_LAST = np.iinfo(np.int64).max

Arrays = Mapping[str, npt.NDArray[np.float32]]


class Graph:
    """Nodes and constants of a graph as it is written; every method returns the name of its result."""

    def __init__(self, *, small: bool = False) -> None:
        self.small = small
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._as_bytes: dict[str, tuple[str, str]] = {}

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(value, dtype=dtype, order="C"), name))
        return name

    def shape(self, *sizes: int) -> str:
        return self.constant(np.array(sizes), np.int64)

    def dense(self, x: str, arrays: Arrays, name: str) -> str:
        """Return x times a matrix, plus a bias if there is one."""
        y = self.product(x, arrays[f"{name}.weight"].T)
        bias = arrays.get(f"{name}.bias")
        return y if bias is None else self.op("Add", y, self.constant(bias))

    def product(self, x: str, matrix: npt.NDArray[np.float32]) -> str:
        """(..., a) times (a, b)"""
        if not self.small:
            return self.op("MatMul", x, self.constant(matrix))
        scale = _scale(matrix, 0)
        weights = self.constant(np.round(matrix / scale), np.int8)
        levels, scales = self.as_bytes(x)
        zero, one = self.constant(_ZERO_POINT, np.uint8), self.constant(1.0)
        y = self.op("MatMulIntegerToFloat", levels, weights, one, self.constant(scale[0]), zero, domain="com.microsoft")
        y = self.op("Mul", y, scales)
        outer = self.op("Slice", self.op("Shape", x), self.shape(0), self.shape(-1))
        return self.op("Reshape", y, self.op("Concat", outer, self.shape(matrix.shape[1]), axis=0))

    def as_bytes(self, x: str) -> tuple[str, str]:
        """Return the rows of x (n_rows, a) in whole numbers around the zero point, and their scales (n_rows, 1)."""
        if x not in self._as_bytes:
            width = self.op("Slice", self.op("Shape", x), self.shape(-1), self.shape(_LAST))
            flat = self.op("Reshape", x, self.op("Concat", self.shape(-1), width, axis=0))
            top = self.op(
                "Max", self.op("ReduceMax", self.op("Abs", flat), axes=[-1], keepdims=0), self.constant(_LEAST)
            )
            scales = self.op("Mul", top, self.constant(1.0 / _LEVELS))
            zeros = self.op("Expand", self.constant(_ZERO_POINT, np.uint8), self.op("Shape", scales))
            levels = self.op("QuantizeLinear", flat, scales, zeros, axis=0)
            self._as_bytes[x] = levels, self.op("Unsqueeze", scales, self.shape(1))
        return self._as_bytes[x]

    def look_up(self, table: npt.NDArray[np.float32], ids: str) -> str:
        """Return rows of a table."""
        if not self.small:
            return self.rows(self.constant(table), ids)
        scale = _scale(table, 1)
        levels = self.op("Cast", self.rows(self.constant(np.round(table / scale), np.int8), ids), to=TensorProto.FLOAT)
        return self.op("Mul", levels, self.rows(self.constant(scale), ids))

    def norm(self, x: str, arrays: Arrays, name: str, epsilon: float) -> str:
        gamma, beta = self.constant(arrays[f"{name}.gamma"]), self.constant(arrays[f"{name}.beta"])
        return self.op("LayerNormalization", x, gamma, beta, axis=-1, epsilon=epsilon)

    def gelu(self, x: str) -> str:
        half = self.op("Mul", x, self.constant(0.5))
        error = self.op("Erf", self.op("Div", x, self.constant(2.0**0.5)))
        return self.op("Mul", half, self.op("Add", error, self.constant(1.0)))

    def cut(self, x: str, start: int | str, end: int | str, axis: int) -> str:
        bounds = [self.shape(place) if isinstance(place, int) else place for place in (start, end)]
        return self.op("Slice", x, *bounds, self.shape(axis))

    def rows(self, x: str, indices: str) -> str:
        return self.op("Gather", x, indices, axis=0)

    def size(self, x: str, axis: int) -> str:
        """Return one size of x, as a list of one number."""
        return self.op("Gather", self.op("Shape", x), self.shape(axis), axis=0)

    def model(
        self, inputs: Mapping[str, tuple[int, Sequence[Any]]], outputs: Mapping[str, tuple[str, int]]
    ) -> onnx.ModelProto:
        """Close the graph; `inputs` name (type, shape), `outputs` name (what was computed, number of axes)."""
        for name, (result, _) in outputs.items():
            self.nodes.append(helper.make_node("Identity", [result], [name], name=f"output_{name}"))
        graph = helper.make_graph(
            self.nodes,
            "compact",
            [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * n_axes)
                for name, (_, n_axes) in outputs.items()
            ],
            self.constants,
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", _OPSET), helper.make_opsetid("com.microsoft", 1)],
            producer_name="kgbuilder",
        )
        model.ir_version = _IR_VERSION
        onnx.checker.check_model(model)
        return model


def _scale(array: npt.NDArray[np.float32], axis: int) -> npt.NDArray[np.float32]:
    """Return what a level of 8 bits is worth in each column (axis 0) or row (axis 1)."""
    top: npt.NDArray[np.float32] = np.maximum(np.abs(array).max(axis, keepdims=True), _LEAST) / _LEVELS
    return top.astype(np.float32)
