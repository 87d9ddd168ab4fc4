"""The lexicon extractor: a bootstrap that needs no model, and the gazetteer that grows from accepted corrections."""

from kgbuilder.extract.lexicon.extractor import LexiconExtractor, OwnNames, create, read_own_names

__all__ = ["LexiconExtractor", "OwnNames", "create", "read_own_names"]
