"""The lexicon extractor: names by list, ending and context, relations by pattern, both languages, no model."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from graph_schema import Ontology
from kgbuilder.errors import ConfigError
from kgbuilder.extract.lexicon.chinese import ChineseNames
from kgbuilder.extract.lexicon.clauses import read_clauses
from kgbuilder.extract.lexicon.english import EnglishNames
from kgbuilder.extract.lexicon.forms import Forms, data_text, load_forms
from kgbuilder.extract.lexicon.gazetteer import Entry, Gazetteer, characters, read_entries, words
from kgbuilder.extract.lexicon.grammars import grammar
from kgbuilder.extract.lexicon.patterns import load_rules
from kgbuilder.extract.lexicon.relations import Fact, find_facts
from kgbuilder.extract.lexicon.ruler import Pattern, Ruler, read_patterns
from kgbuilder.extract.lexicon.segment import load_segmenter
from kgbuilder.extract.lexicon.span import Span
from kgbuilder.ids import content_id
from kgbuilder.normalize import simplified
from kgbuilder.records import Extraction, MentionClaim, Passage, TripleClaim

__all__ = ["LexiconExtractor", "OwnNames", "create", "read_own_names"]

MAX_PIECE_CHARS = 3000
MAX_NAME_CHARS = 80
_VERSION = "2"
_SETTINGS = frozenset({"gazetteer", "cache_dir"})
_DATA = tuple(f"{language}_{part}.yaml" for language in ("zh", "en") for part in ("names", "forms", "relations"))
_PIECE_END = re.compile(r"[。！？!?\n]|\.\s")
_SURROGATE = re.compile("[\ud800-\udfff\ue000-\ue0ff]")
_HAN = re.compile("[\u4e00-\u9fff]")
# What a reader would not look for as a node of its own: shown only as the end of a relation.
_ONLY_RELATED = ("PER.guess", "TERM", "NUM", "LOC.demonym", "ORG.weak")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnNames:
    """What people have listed: names and patterns, with ids of types; `cache_dir` keeps what is made of long lists."""

    entries: tuple[Entry, ...] = ()
    patterns: tuple[Pattern, ...] = ()
    cache_dir: Path | None = None


def create(ontology: Ontology, settings: Mapping[str, object]) -> "LexiconExtractor":
    """Make the lexicon extractor.

    Settings: `gazetteer`, a path or several of YAML ({label: [names]}), TSV (name, label) or JSONL (token patterns as
    spaCy's EntityRuler has them) files; `cache_dir`, a folder for what is worth keeping between runs.

    Raises:
        ConfigError: for an unknown setting, or a gazetteer that cannot be read or names an unknown label.
    """
    unknown = sorted(set(settings) - _SETTINGS)
    if unknown:
        remedy = f"use {', '.join(sorted(_SETTINGS))}"
        raise ConfigError(f"the lexicon has no setting {unknown[0]!r}", where="extractor lexicon", remedy=remedy)
    own = read_own_names(ontology, settings)
    return LexiconExtractor(ontology, entries=own.entries, patterns=own.patterns, cache_dir=own.cache_dir)


def read_own_names(ontology: Ontology, settings: Mapping[str, object]) -> OwnNames:
    """Read the settings `gazetteer` and `cache_dir`, which mean the same for every extractor that has them.

    Raises:
        ConfigError: for a gazetteer that cannot be read or names an unknown label.
    """
    entries: list[Entry] = []
    patterns: list[Pattern] = []
    for path in _paths(settings):
        if path.suffix.lower() == ".jsonl":
            patterns += [(_label_id(label, ontology, path), pattern) for label, pattern in read_patterns(path)]
        else:
            entries += [(name, _label_id(label, ontology, path)) for name, label in read_entries(path)]
    cache = settings.get("cache_dir")
    return OwnNames(entries=tuple(entries), patterns=tuple(patterns), cache_dir=Path(str(cache)) if cache else None)


class LexiconExtractor:
    """Extracts by rules; what a language needs is loaded with its first passage."""

    name = "lexicon"

    def __init__(
        self,
        ontology: Ontology,
        *,
        entries: Sequence[Entry] = (),
        patterns: Sequence[Pattern] = (),
        cache_dir: Path | None = None,
    ) -> None:
        self._ontology = ontology
        self._entries = tuple(entries)
        self._patterns = tuple(patterns)
        self._cache_dir = cache_dir
        self._readers: dict[str, _Reader] = {}
        self._labels: dict[str, str | None] = {}
        self._relations: dict[str, str | None] = {}
        data = [part for name in _DATA for part in (name, data_text(name))]
        own = [part for entry in (*sorted(self._entries), *sorted(self._patterns)) for part in entry]
        self.fingerprint = content_id("lexicon", _VERSION, ontology.name, ontology.fingerprint, *data, *own)

    def extract(self, passages: Iterable[Passage]) -> Iterator[Extraction]:
        """Yield the extraction of each passage, in order."""
        for passage in passages:
            yield self._extract(passage)

    def close(self) -> None:
        """Let go of what was loaded."""
        self._readers.clear()

    def _extract(self, passage: Passage) -> Extraction:
        # A lone surrogate has no UTF-8 form, and the patterns use the private-use area for mentions.
        text = _SURROGATE.sub("\ufffd", passage.text)
        spans: list[Span] = []
        facts: dict[tuple[int, str, int], Fact] = {}
        for start, end in _pieces(text):
            piece = text[start:end]
            found, said = self._reader(passage.language, piece).read(piece)
            spans += [_moved(item, start) for item in found]
            for fact in said:
                head, tail = _moved(fact.head, start), _moved(fact.tail, start)
                self._keep(Fact(_in_full(head), fact.relation, _in_full(tail), fact.score), facts, text)
        return Extraction(
            passage_id=passage.id,
            extractor=self.fingerprint,
            state="done",
            mentions=self._mentions(spans, facts.values(), passage.text),
            triples=tuple(self._triple(fact, passage.text) for fact in facts.values()),
        )

    def _reader(self, language: str, text: str) -> "_Reader":
        known = "zh" if language == "zh" or (language != "en" and _HAN.search(text)) else "en"
        reader = self._readers.get(known)
        if reader is None:
            reader = self._readers[known] = _Reader(known, self._entries, self._patterns, self._cache_dir)
        return reader

    def _keep(self, fact: Fact, facts: dict[tuple[int, str, int], Fact], text: str) -> None:
        """Keep a fact that the ontology allows, each once with its best score."""
        relation = self._relation_id(fact.relation)
        head, tail = self._entity_id(fact.head.label), self._entity_id(fact.tail.label)
        if relation is None or head is None or tail is None:
            return
        if text[fact.head.start : fact.head.end].casefold() == text[fact.tail.start : fact.tail.end].casefold():
            return
        if not self._ontology.allows(head, relation, tail):
            return
        key = (fact.head.start, relation, fact.tail.start)
        if self._is_symmetric(relation) and (fact.tail.start, relation, fact.head.start) in facts:
            return
        if key not in facts or facts[key].score < fact.score:
            facts[key] = fact

    def _mentions(self, spans: list[Span], facts: Iterable[Fact], text: str) -> tuple[MentionClaim, ...]:
        related = {(span.start, span.end): span for fact in facts for span in (fact.head, fact.tail)}
        chosen = {(item.start, item.end): item for item in spans if not item.kind.startswith(_ONLY_RELATED)} | related
        claims: list[MentionClaim] = []
        last = 0
        for (start, end), item in sorted(chosen.items()):
            label = self._entity_id(item.label)
            if label is None or start < last or end - start > MAX_NAME_CHARS:
                continue
            last = end
            claims.append(MentionClaim(text=text[start:end], label=label, start=start, score=round(item.score, 3)))
        return tuple(claims)

    def _triple(self, fact: Fact, text: str) -> TripleClaim:
        head, tail = fact.head, fact.tail
        return TripleClaim(
            head=text[head.start : head.end],
            relation=self._relation_id(fact.relation) or fact.relation,
            tail=text[tail.start : tail.end],
            head_label=self._entity_id(head.label),
            tail_label=self._entity_id(tail.label),
            head_start=head.start,
            tail_start=tail.start,
            score=round(fact.score * min(head.score, tail.score) ** 0.5, 3),
        )

    def _entity_id(self, label: str) -> str | None:
        if label not in self._labels:
            known = self._ontology.entity_type(label)
            # In open mode the general ids stand as they are.
            self._labels[label] = label if self._ontology.open and known is None else known.id if known else None
        return self._labels[label]

    def _relation_id(self, relation: str) -> str | None:
        if relation not in self._relations:
            known = self._ontology.relation_type(relation)
            self._relations[relation] = known.id if known else None
        return self._relations[relation]

    def _is_symmetric(self, relation: str) -> bool:
        known = self._ontology.relation_type(relation)
        return known is not None and known.symmetric


class _Reader:
    """Names and relations of one language."""

    def __init__(
        self, language: str, entries: Sequence[Entry], patterns: Sequence[Pattern], cache_dir: Path | None
    ) -> None:
        forms = load_forms(language)
        self._is_chinese = language == "zh"
        known = [*forms.entries, *_marked_endings(forms), *((name, f"!{label}") for name, label in entries)]
        ruler = Ruler([(f"!!{label}", pattern) for label, pattern in patterns], language) if patterns else None
        gazetteer = Gazetteer(known, characters if language == "zh" else words, cache_dir, ruler)
        self._names = (
            ChineseNames(forms, gazetteer, load_segmenter()) if language == "zh" else EnglishNames(forms, gazetteer)
        )
        self._grammar = grammar(language)
        self._rules = load_rules(language)

    def read(self, text: str) -> tuple[list[Span], list[Fact]]:
        if self._is_chinese:
            text = simplified(text)
        spans = self._names.find(text)
        return spans, list(find_facts(read_clauses(text, spans, self._grammar), self._rules))


def _marked_endings(forms: Forms) -> list[Entry]:
    return [(ending, f"+{kind}") for kind, endings in forms.endings.items() for ending in sorted(endings)]


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Yield spans of at most `MAX_PIECE_CHARS` that end with a sentence where one does."""
    start = 0
    while len(text) - start > MAX_PIECE_CHARS:
        limit = start + MAX_PIECE_CHARS
        ends = [match.end() for match in _PIECE_END.finditer(text, start + MAX_PIECE_CHARS // 2, limit)]
        end = ends[-1] if ends else limit
        yield start, end
        start = end
    if start < len(text):
        yield start, len(text)


def _moved(item: Span, by: int) -> Span:
    if by == 0:
        return item
    outer = (item.outer[0] + by, item.outer[1] + by)
    full = (item.full[0] + by, item.full[1] + by) if item.full else None
    return Span(start=item.start + by, end=item.end + by, kind=item.kind, score=item.score, outer=outer, full=full)


def _in_full(item: Span) -> Span:
    """Return the full name for a short form: the node of a fact is best named in full."""
    if item.full is None:
        return item
    start, end = item.full
    return Span(start=start, end=end, kind=item.kind, score=item.score, outer=item.full)


def _paths(settings: Mapping[str, object]) -> list[Path]:
    given = settings.get("gazetteer") or ()
    if isinstance(given, str | Path):
        return [Path(given)]
    if isinstance(given, list | tuple):
        return [Path(str(path)) for path in given]
    raise ConfigError("`gazetteer` is no path", where="gazetteer", remedy="give a path or a list of paths")


def _label_id(label: str, ontology: Ontology, path: Path) -> str:
    known = ontology.entity_type(label)
    if known is None:
        remedy = f"use one of {', '.join(ontology.entity_types)}"
        raise ConfigError(f"the ontology has no type {label!r}", where=str(path), remedy=remedy)
    return known.id
