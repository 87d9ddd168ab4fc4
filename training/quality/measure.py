"""Run the extractors of the package over the held-out sets."""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from graph_schema import Ontology
from kgbuilder.extract import Extractor, compact, lexicon
from kgbuilder.extract.compact.model import CARD, ModelCard, model_folders
from kgbuilder.ids import content_id
from kgbuilder.records import Passage
from kgbuilder.score import AnnotatedEntity, AnnotatedTriple, Report
from kgbuilder.score.compare import Mistake
from kgbuilder.score.report import JudgedText, Scorer
from training.compact.measure import measure_readings
from training.data import Example
from training.quality.curves import ScoredItems, scored_entities, scored_triples
from training.quality.judge import Said, judge, said

__all__ = [
    "EXAMPLES_FROM",
    "ClassExample",
    "Measured",
    "Probabilities",
    "Quality",
    "measurable",
    "measure_quality",
]

COMPACT, LEXICON = "compact", "lexicon"
EXAMPLES_FROM = "written"
"""The only set whose sentences may be shown: the others belong to somebody else."""
CURVES_FROM = ("written", "real_zh", "real_en")

_LOW_THRESHOLD = -4.0
"""A logit: triples are stated from here on when all their scores are wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one extractor found in the texts of one set in one language.

    Of the `n_bare` texts that state no relation, `n_bare_wrong` were given one.
    """

    name: str
    language: str
    reader: str
    report: Report
    n_bare: int
    n_bare_wrong: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Probabilities:
    """The scores of the compact extractor on one set: of the entities it states, of all triples down to -4 logits."""

    name: str
    language: str
    entities: ScoredItems
    triples: ScoredItems


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassExample:
    """One error of a class, of the shortest text of the written corpus that has one; `part` entities or triples."""

    language: str
    part: str
    text: str
    mistake: Mistake[AnnotatedEntity] | Mistake[AnnotatedTriple]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """All that the page shows. `cards` are the models by language, `left_out` sets that annotate nothing completely."""

    measured: tuple[Measured, ...]
    probabilities: tuple[Probabilities, ...]
    examples: tuple[ClassExample, ...]
    cards: Mapping[str, ModelCard]
    fingerprints: Mapping[str, str]
    left_out: tuple[str, ...] = ()

    def main_reader(self, language: str) -> str:
        """Return what a language is read by in practice."""
        return COMPACT if language in self.cards else LEXICON

    def find(self, name: str, language: str) -> Measured | None:
        """Return what the main reader of a language found in a set."""
        wanted = (name, language, self.main_reader(language))
        return next((one for one in self.measured if (one.name, one.language, one.reader) == wanted), None)


def measurable(example: Example) -> bool:
    """Say whether an example can judge anything: some type or relation is annotated completely."""
    return bool(example.exhaustive_types or example.relations)


def measure_quality(
    tests: Mapping[str, Sequence[Example]], ontology: Ontology, models: Path, *, say: Callable[[str], None]
) -> Quality:
    """Measure on every set, in its order, each language by itself; the lexicon on all, compact where it has a model.

    Raises:
        ModelError: when a model cannot be used, before anything is measured.
        ConfigError: when a model folder is not whole.
    """
    languages = tuple(model_folders(models))
    sets = [*_sets(tests)]
    measured: list[Measured] = []
    examples_of_classes: list[ClassExample] = []
    cards = {language: _card(models / language) for language in languages}
    # Made here and not by name: the names belong to the installed package, which may be another one than this.
    with closing(lexicon.create(ontology, {})) as rules, _compact(ontology, models, languages) as trained:
        readers: dict[str, Extractor] = {LEXICON: rules} | ({COMPACT: trained} if trained else {})
        for language in languages:
            [*readers[COMPACT].extract([_passage("?", language)])]
        for name, language, examples in sets:
            for number, reader in enumerate((COMPACT, LEXICON) if language in languages else (LEXICON,)):
                found = [*_read(examples, readers[reader])]
                one = _measured(name, language, reader, found)
                measured.append(one)
                say(_line(one, len(examples)))
                if number == 0 and name == EXAMPLES_FROM:
                    examples_of_classes += _shortest(judge(example, reply, name=name) for example, reply in found)
    probabilities: list[Probabilities] = []
    for language in languages:
        with _eager(ontology, models / language) as eager:
            for name, of, examples in sets:
                if of == language and name in CURVES_FROM:
                    found = [*_read(examples, eager)]
                    entities, triples = scored_entities(found), scored_triples(found)
                    probabilities.append(
                        Probabilities(name=name, language=language, entities=entities, triples=triples)
                    )
                    say(f"{name:<20}{language}  scores of {len(triples.scores)} triples")
    return Quality(
        measured=tuple(measured),
        probabilities=tuple(probabilities),
        examples=tuple(examples_of_classes),
        cards=cards,
        fingerprints={name: reader.fingerprint for name, reader in sorted(readers.items())},
        left_out=tuple(name for name, examples in tests.items() if not any(map(measurable, examples))),
    )


def _sets(tests: Mapping[str, Sequence[Example]]) -> Iterator[tuple[str, str, list[Example]]]:
    for name, examples in tests.items():
        known = [example for example in examples if measurable(example)]
        for language in sorted({example.language for example in known}, reverse=True):
            yield name, language, [example for example in known if example.language == language]


def _measured(name: str, language: str, reader: str, found: Sequence[tuple[Example, Said]]) -> Measured:
    scorer = Scorer(n_worst=0)
    for example, reply in found:
        scorer.add(judge(example, reply, name=name))
    # Its entities would include mere arguments; only the texts without a triple are taken from here.
    bare = measure_readings((example, reply.reading) for example, reply in found)
    return Measured(
        name=name,
        language=language,
        reader=reader,
        report=scorer.report(),
        n_bare=bare.n_bare,
        n_bare_wrong=bare.n_bare_wrong,
    )


def _read(examples: Iterable[Example], extractor: Extractor) -> Iterator[tuple[Example, Said]]:
    """Yield the examples with what is said about them. Extractors may answer in any order, and once for one text."""
    known = list(examples)
    passages = [_passage(example.text, example.language) for example in known]
    by_id = {passage.id: passage for passage in passages}
    replies = {extraction.passage_id: extraction for extraction in extractor.extract(by_id.values())}
    for example, passage in zip(known, passages, strict=True):
        yield example, said(example.text, replies[passage.id])


def _passage(text: str, language: str) -> Passage:
    return Passage(id=content_id("passage", language, text), text=text, language=language)


def _card(folder: Path) -> ModelCard:
    return ModelCard.model_validate_json((folder / CARD).read_bytes())


@contextmanager
def _compact(ontology: Ontology, models: Path, languages: Sequence[str]) -> Iterator[Extractor | None]:
    """Open the compact extractor, in this process; None when there is no model at all."""
    if not languages:
        yield None
        return
    with closing(compact.create(ontology, {"models": str(models), "workers": 0})) as extractor:
        yield extractor


@contextmanager
def _eager(ontology: Ontology, model: Path) -> Iterator[Extractor]:
    """Open the compact extractor with a copy of a model that states every triple down to a low score."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / model.name
        shutil.copytree(model, copy)
        card = _card(model)
        low = [relation.model_copy(update={"threshold": _LOW_THRESHOLD}) for relation in card.relations]
        content = card.model_copy(update={"relations": tuple(low)}).model_dump_json()
        (copy / CARD).write_text(content, encoding="utf-8")
        with _compact(ontology, Path(folder), [model.name]) as extractor:
            assert extractor is not None
            yield extractor


def _shortest(texts: Iterable[JudgedText]) -> list[ClassExample]:
    """Return an error of each class, from the shortest text that has one."""
    found: dict[tuple[str, str], ClassExample] = {}
    for judged in texts:
        parts = (("entities", judged.entities.mistakes), ("triples", judged.triples.mistakes))
        for part, mistakes in parts:
            for mistake in mistakes:
                known = found.get((part, mistake.kind))
                if known is None or len(judged.text) < len(known.text):
                    found[part, mistake.kind] = ClassExample(
                        language=judged.language, part=part, text=judged.text, mistake=mistake
                    )
    return [*found.values()]


def _line(one: Measured, n_texts: int) -> str:
    entities, triples = one.report.entities.overall, one.report.triples.overall
    figures = f"entities F1 {100 * entities.f1:5.1f}  triples F1 {100 * triples.f1:5.1f}"
    return f"{one.name:<20}{one.language}  {one.reader:<8}{n_texts:>6}  {figures}"
