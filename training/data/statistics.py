"""Count what is in annotated text, passages, mentions and triples by language, type and relation; what is scarce."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from graph_schema import Ontology, load_ontology
from training.data.marked import LANGUAGES
from training.data.records import AnnotatedPassage

__all__ = ["MIN_PASSAGES", "Statistics", "count_passages", "lay_out"]

MIN_PASSAGES = 60
"""So many passages of each language should state a relation."""

_N_NAMES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Numbers by language, and by language and type or relation.

    `n_stating` counts the passages that state a relation, `n_unused` the entities of a type that no triple uses.
    """

    n_passages: Mapping[str, int]
    n_chars: Mapping[str, int]
    n_without_triple: Mapping[str, int]
    n_mentions: Mapping[str, Mapping[str, int]]
    n_unused: Mapping[str, Mapping[str, int]]
    n_triples: Mapping[str, Mapping[str, int]]
    n_stating: Mapping[str, Mapping[str, int]]
    by_source: Mapping[str, int]
    n_names: int
    repeated: tuple[tuple[str, int], ...]

    def scarce(self, ontology: Ontology | None = None, minimum: int = MIN_PASSAGES) -> Iterator[tuple[str, str, int]]:
        """Yield language, relation and number of passages of each relation that fewer than `minimum` state."""
        relations = (ontology or load_ontology("general")).relation_types
        for language in sorted(self.n_passages):
            counts = self.n_stating.get(language, {})
            missing = [(counts.get(relation, 0), relation) for relation in relations]
            yield from ((language, relation, n) for n, relation in sorted(missing) if n < minimum)


def count_passages(passages: Iterable[AnnotatedPassage]) -> Statistics:
    """Count passages."""
    n_passages, n_chars, n_without, by_source, names = (Counter[str]() for _ in range(5))
    n_mentions, n_unused, n_triples, n_stating = (defaultdict[str, Counter[str]](Counter) for _ in range(4))
    for passage in passages:
        language = passage.language
        n_passages[language] += 1
        n_chars[language] += len(passage.text)
        n_without[language] += not passage.triples
        by_source[_origin(passage)] += 1
        names.update(passage.text[mention.start : mention.end] for mention in passage.mentions)
        n_mentions[language].update(mention.type for mention in passage.mentions)
        n_triples[language].update(triple.relation for triple in passage.triples)
        n_stating[language].update({triple.relation for triple in passage.triples})
        used = {entity for triple in passage.triples for entity in (triple.head, triple.tail)}
        types = {mention.entity: mention.type for mention in passage.mentions}
        n_unused[language].update(type_ for entity, type_ in types.items() if entity not in used)
    return Statistics(
        n_passages=dict(n_passages),
        n_chars=dict(n_chars),
        n_without_triple=dict(n_without),
        n_mentions=_plain(n_mentions),
        n_unused=_plain(n_unused),
        n_triples=_plain(n_triples),
        n_stating=_plain(n_stating),
        by_source=dict(by_source),
        n_names=len(names),
        repeated=tuple(names.most_common(_N_NAMES)),
    )


def lay_out(statistics: Statistics) -> Iterator[str]:
    """Yield the lines of a report."""
    ontology = load_ontology("general")
    languages = [language for language in LANGUAGES if statistics.n_passages.get(language)]
    yield _row("", [*languages, "all"])
    totals = (
        ("passages", statistics.n_passages),
        ("without a triple", statistics.n_without_triple),
        ("characters", statistics.n_chars),
        ("mentions", {language: sum(statistics.n_mentions.get(language, {}).values()) for language in languages}),
        ("triples", {language: sum(statistics.n_triples.get(language, {}).values()) for language in languages}),
    )
    for name, counts in totals:
        yield _counts(name, languages, counts)
    yield from ("", "mentions by type")
    for type_ in ontology.entity_types:
        yield _counts(type_, languages, _of(statistics.n_mentions, type_, languages))
    yield from ("", "entities that no triple uses")
    for type_ in ontology.entity_types:
        yield _counts(type_, languages, _of(statistics.n_unused, type_, languages))
    yield from ("", "triples by relation (passages that state it)")
    for relation in ontology.relation_types:
        triples, stating = (_of(counts, relation, languages) for counts in (statistics.n_triples, statistics.n_stating))
        cells = [f"{triples[language]} ({stating[language]})" for language in languages]
        yield _row(relation, [*cells, f"{sum(triples.values())} ({sum(stating.values())})"])
    scarce = [f"{language} {relation} {n}" for language, relation, n in statistics.scarce(ontology)]
    yield from ("", f"stated by fewer than {MIN_PASSAGES} passages: {', '.join(scarce) or 'none'}")
    repeated = ", ".join(f"{name} {n}" for name, n in statistics.repeated)
    yield from ("", f"{statistics.n_names} different names, the most repeated: {repeated}")
    yield from ("", "passages by file or source")
    for source, n in sorted(statistics.by_source.items()):
        yield _row(source, [str(n)])


def _plain(counts: Mapping[str, Counter[str]]) -> dict[str, dict[str, int]]:
    return {language: dict(found) for language, found in counts.items()}


def _origin(passage: AnnotatedPassage) -> str:
    if passage.source == "written":
        return passage.id.rpartition("-")[0]
    return f"{passage.source} {passage.id.partition(':')[0]}"


def _of(counts: Mapping[str, Mapping[str, int]], key: str, languages: list[str]) -> dict[str, int]:
    return {language: counts.get(language, {}).get(key, 0) for language in languages}


def _counts(name: str, languages: list[str], counts: Mapping[str, int]) -> str:
    numbers = [counts.get(language, 0) for language in languages]
    return _row(name, [str(n) for n in [*numbers, sum(numbers)]])


def _row(name: str, cells: list[str]) -> str:
    return f"{name:<22}" + "".join(f"{cell:>14}" for cell in cells)
