"""Documents in, a trusted knowledge graph out: every fact with its evidence, every correction kept."""

__version__ = "0.1.0"

__all__ = ["__version__"]
