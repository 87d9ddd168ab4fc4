"""The compact extractor: a small trained model that finds entities and relations on any machine, offline."""

from kgbuilder.extract.compact.extractor import CompactExtractor, create

__all__ = ["CompactExtractor", "create"]
