"""The lexicon extractor: a bootstrap that needs no model, and the gazetteer that grows from accepted corrections."""

from kgbuilder.extract.lexicon.extractor import LexiconExtractor, create

__all__ = ["LexiconExtractor", "create"]
