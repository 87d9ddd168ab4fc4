"""The compact extractor's model: features of annotated text, MindSpore training, export to ONNX, measures."""

import os

# MindSpore's messages need the Python runtime of protobuf; whoever imports protobuf first settles it for the process.
os.environ.setdefault("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "python")

from training.compact.recipe import Recipe, load_recipe

__all__ = ["Recipe", "load_recipe"]
