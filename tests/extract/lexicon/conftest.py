"""One loaded extractor for all tests of the lexicon, and what it says as plain tuples."""

from collections.abc import Callable

import pytest

from graph_schema import Ontology, load_ontology
from kgbuilder.extract.lexicon import LexiconExtractor, create
from kgbuilder.records import Extraction, Passage

Say = Callable[..., Extraction]


@pytest.fixture(scope="session")
def general() -> Ontology:
    return load_ontology("general")


@pytest.fixture(scope="session")
def lexicon(general: Ontology) -> LexiconExtractor:
    return create(general, {})


@pytest.fixture(scope="session")
def extract(lexicon: LexiconExtractor) -> Say:
    def run(text: str, language: str = "zh") -> Extraction:
        return next(lexicon.extract([Passage(id="p", text=text, language=language)]))

    return run


@pytest.fixture(scope="session")
def triples(extract: Say) -> Callable[..., set[tuple[str, str, str]]]:
    def run(text: str, language: str = "zh") -> set[tuple[str, str, str]]:
        return {(claim.head, claim.relation, claim.tail) for claim in extract(text, language).triples}

    return run


@pytest.fixture(scope="session")
def mentions(extract: Say) -> Callable[..., set[tuple[str, str]]]:
    def run(text: str, language: str = "zh") -> set[tuple[str, str]]:
        return {(claim.text, claim.label) for claim in extract(text, language).mentions}

    return run
