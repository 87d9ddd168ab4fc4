"""Graphs for onnxruntime, on the CPU."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import numpy.typing as npt

from kgbuilder.errors import ModelError

__all__ = ["Session", "open_session"]


class Session(Protocol):
    """What is used of an onnxruntime session."""

    def run(self, outputs: Sequence[str] | None, feeds: dict[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]: ...


def open_session(path: Path, *, n_threads: int = 1) -> Session:
    """Open a graph for the CPU.

    Raises:
        ModelError: when onnxruntime is not installed or the file is no graph.
    """
    try:
        runtime = importlib.import_module("onnxruntime")
    except ImportError as error:
        remedy = "pip install onnxruntime, or take another extractor"
        raise ModelError("onnxruntime is not installed", where=str(path), remedy=remedy) from error
    options = runtime.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.inter_op_num_threads = 1
    try:
        return cast(Session, runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]))
    except _load_errors() as error:
        remedy = "install the package anew, or export the model again"
        raise ModelError(f"the graph cannot be loaded: {error}", where=str(path), remedy=remedy) from error


def _load_errors() -> tuple[type[Exception], ...]:
    # Its exceptions have no base of their own, and no public name.
    state = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    names = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoSuchFile", "NotImplemented")
    return (RuntimeError, *(getattr(state, name) for name in names))
