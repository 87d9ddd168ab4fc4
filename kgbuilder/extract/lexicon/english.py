"""Find names in English text."""

from kgbuilder.extract.lexicon.forms import Forms
from kgbuilder.extract.lexicon.gazetteer import Gazetteer
from kgbuilder.extract.lexicon.span import Span


class EnglishNames:
    def __init__(self, forms: Forms, gazetteer: Gazetteer) -> None: ...
    def find(self, text: str) -> list[Span]:
        return []
