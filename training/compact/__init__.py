"""The compact extractor's model: features of annotated text, MindSpore training, export to ONNX, measures."""

from training.compact.recipe import Recipe, load_recipe

__all__ = ["Recipe", "load_recipe"]
